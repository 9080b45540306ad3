"""Create or update services as a person states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.ingestion import RejectedItem
from sloengine.domain.topology.service import Service


@dataclass(frozen=True, slots=True)
class RegisterServicesCommand:
    """``services``: raw JSON rows with the API's names, at most 2,000."""

    services: Sequence[Mapping[str, Any]]
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredServices:
    """The services that were taken, and the rows that were not."""

    services: Sequence[Service]
    rejected: Sequence[RejectedItem]


@dataclass(frozen=True, slots=True)
class RegisterServices:
    """A service owner may register services of own teams only."""

    async def __call__(self, command: RegisterServicesCommand, *, actor: Actor) -> RegisteredServices:
        """Good rows land, bad rows are rejected one by one."""
        raise NotImplementedError
