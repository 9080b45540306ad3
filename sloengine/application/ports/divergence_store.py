"""Where declared and observed dependencies disagree: what it is found from, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.topology.divergence import Divergence, Sighting


class DivergenceStore(Protocol):
    """Claims as sightings, and divergences on record. Writes are transactional per call."""

    async def callers(self) -> Sequence[str]:
        """Callers that may have divergences: sources of both kinds claim some of them, or one is on record."""
        ...

    async def sightings(self, callers: Sequence[str]) -> Mapping[str, Sequence[Sighting]]:
        """All claims on dependencies of each of these callers; callers without any are absent."""
        ...

    async def replace(
        self, callers: Sequence[str], found: Sequence[Divergence], *, now: datetime
    ) -> Sequence[str]:
        """Make these all the divergences of these callers; the ids of those that were not on record, in order.

        Those get ``DivergenceDetected`` in the outbox, in the same transaction and once, from however many
        processes. Others of these callers are gone. The graph version stays.
        """
        ...

    async def page(self, page: PageRequest) -> Page[Divergence]:
        """Divergences, youngest first."""
        ...

    async def by_id(self, divergence_ids: Sequence[str]) -> Mapping[str, Divergence]:
        """These divergences; those that are unknown or gone are absent."""
        ...
