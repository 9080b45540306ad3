"""Read where declared and observed dependencies disagree. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.divergence_store import DivergenceStore
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.topology.divergence import Divergence


@dataclass(frozen=True, slots=True)
class ReadDivergences:
    """Each method is one query for any number of keys."""

    store: DivergenceStore

    async def page(self, page: PageRequest) -> Page[Divergence]:
        """Divergences, youngest first."""
        return await self.store.page(page)

    async def by_id(self, divergence_ids: Sequence[str]) -> Mapping[str, Divergence]:
        """These divergences; those that are unknown or gone are absent."""
        return await self.store.by_id(divergence_ids)
