"""Divergences in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.topology.divergence import DECLARING, OBSERVING, Divergence, Sighting
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.paging import cut


class MemoryDivergenceStore:
    """Keeps the ``DivergenceStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def callers(self) -> Sequence[str]:
        """Callers that may have divergences."""
        observed = {caller for caller, _, source in self._db.claims if source in OBSERVING}
        declared = {caller for caller, _, source in self._db.claims if source in DECLARING}
        return sorted((observed & declared) | {one.caller for one in self._db.divergences.values()})

    async def sightings(self, callers: Sequence[str]) -> Mapping[str, Sequence[Sighting]]:
        """All claims on dependencies of each."""
        found: dict[str, list[Sighting]] = {}
        wanted = set(callers)
        for claim in self._db.claims.values():
            if claim.caller in wanted:
                found.setdefault(claim.caller, []).append(
                    Sighting(claim.dependency, claim.source, claim.first_seen_at, claim.last_seen_at)
                )
        return found

    async def replace(
        self, callers: Sequence[str], found: Sequence[Divergence], *, now: datetime
    ) -> Sequence[str]:
        """All divergences of these callers."""
        known = self._db.divergences
        kept = {one.divergence_id for one in found}
        for key in [key for key, one in known.items() if one.caller in callers and key not in kept]:
            del known[key]
        new = sorted(kept - set(known))
        by_id = {one.divergence_id: one for one in found}
        known.update(by_id)
        for key in new:
            event_id = str(uuid4())
            self._db.outbox[event_id] = OutboxEvent(
                event_id, "DivergenceDetected", by_id[key].caller, now, {"divergence": key}
            )
        return new

    async def page(self, page: PageRequest) -> Page[Divergence]:
        """Youngest first."""
        rows = list(self._db.divergences.values())
        return cut(rows, lambda one: (-one.since.timestamp(), one.divergence_id), page)

    async def by_id(self, divergence_ids: Sequence[str]) -> Mapping[str, Divergence]:
        """These divergences."""
        return {key: self._db.divergences[key] for key in divergence_ids if key in self._db.divergences}
