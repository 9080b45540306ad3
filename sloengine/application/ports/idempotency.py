"""Requests that a client may send again under a key of its own.

A key belongs to one actor and one mutation, for seven days: the same key gives the same answer, and with another
body it is refused. A store that takes a ``KeyedRequest`` keeps the answer in the very transaction that does what
was asked, so that a crash can neither do it twice nor lose the answer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sloengine.domain.errors import Invalid

MAX_IDEMPOTENCY_KEY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """``body_digest``: tells a retry from another request under the same key; it is what is kept.

    ``earlier_digests``: what versions before this one kept for the same request, so that a retry after an upgrade
    is still one.
    """

    actor: str
    mutation: str
    key: str
    body_digest: str
    earlier_digests: tuple[str, ...] = ()

    def is_retry_of(self, kept_digest: str) -> bool:
        """Whether the request under whose key this digest was kept is the same one."""
        return kept_digest == self.body_digest or kept_digest in self.earlier_digests


def keyed_request(actor: str, mutation: str, key: str | None, body: object) -> KeyedRequest | None:
    """None without a key. ``body``: what was asked for, as plain JSON values. Raises ``Invalid``."""
    check_idempotency_key(key)
    if key is None:
        return None
    text = json.dumps(body, sort_keys=True, default=str)
    return KeyedRequest(actor, mutation, key, hashlib.sha256(text.encode()).hexdigest())


def check_idempotency_key(key: str | None) -> None:
    """Raise ``Invalid`` for a key that cannot be one."""
    if key is not None and not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_CHARACTERS:
        raise Invalid(
            f"an idempotency key has 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} characters",
            path=("input", "idempotencyKey"),
        )
