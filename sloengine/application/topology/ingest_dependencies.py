"""Take in one source's services and dependencies: durable at once, merged afterwards by the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion


@dataclass(frozen=True, slots=True)
class IngestDependenciesCommand:
    """What one source states.

    ``services`` and ``dependencies``: raw JSON rows with the API's names (``serviceId``, ``callWeight``), at most
    2,000 each; more goes into ``document``, a mapping with the same two lists. Rows are checked one by one by the
    worker. ``complete``: withdraw what this source no longer lists, of the callers named in ``services``, of all
    when none is named. ``observed_at`` None: now.
    """

    source: DiscoverySource
    services: Sequence[Mapping[str, Any]] = ()
    dependencies: Sequence[Mapping[str, Any]] = ()
    document: Mapping[str, Any] | None = None
    complete: bool = False
    observed_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class IngestDependencies:
    """Store the payload, then have it merged. Who may: sre_admin and service_owner."""

    async def __call__(self, command: IngestDependenciesCommand, *, actor: Actor) -> Ingestion:
        """The queued ingestion; the same idempotency key gives the same one."""
        raise NotImplementedError
