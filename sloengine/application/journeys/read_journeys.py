"""Read journeys as they were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.journeys.model import Journey


@dataclass(frozen=True, slots=True)
class ReadJourneys:
    """Open to every role."""

    journeys: JourneyStore

    async def page(self, page: PageRequest) -> Page[Journey]:
        """In the order of names."""
        return await self.journeys.page(page)

    async def by_name(self, names: Sequence[str]) -> Mapping[str, Journey]:
        """Of these names; unknown ones are absent."""
        return await self.journeys.by_name(names)

    async def by_id(self, journey_ids: Sequence[str]) -> Mapping[str, Journey]:
        """Of these ids; unknown ones are absent."""
        return await self.journeys.by_id(journey_ids)
