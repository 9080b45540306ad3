"""Who is asking: the development key, which production refuses. Every other identity comes into this room."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from sloengine.domain.governance.model import Actor, Role

DEVELOPMENT_ACTOR = Actor("apikey:development", Role.SRE_ADMIN)


@dataclass(frozen=True)
class Unauthenticated(Exception):
    """Nobody we know. ``detail`` says what to do."""

    detail: str


class DevelopmentKey:
    """Knows one key, and that only in development.

    ``key`` None: none was set, so nobody gets in.
    """

    def __init__(self, key: str | None, *, development: bool) -> None:
        self._key = key.encode() if key and development else None
        self._development = development

    def actor(self, presented: bytes | None) -> Actor:
        """Whose key this is (the value of ``X-API-Key``). Raises ``Unauthenticated``."""
        if self._key is None:
            raise Unauthenticated(self._nobody_gets_in())
        if presented is None:
            raise Unauthenticated(
                "Send your key in the header X-API-Key. `sloengine up` prints the development key."
            )
        if not hmac.compare_digest(presented, self._key):
            raise Unauthenticated(
                "The key in X-API-Key is not known here. `sloengine up` prints the development key."
            )
        return DEVELOPMENT_ACTOR

    def _nobody_gets_in(self) -> str:
        if self._development:
            return (
                "No development key is set. Set SLOENGINE_DEV_API_KEY and start again; `sloengine up` makes one."
            )
        return (
            "The only key there is works in development. Set SLOENGINE_ENV=development and SLOENGINE_DEV_API_KEY "
            "on a machine of your own; do not do so where others can reach it."
        )
