"""Journeys as they were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.journeys.model import Journey


class JourneyStore(Protocol):
    """One journey of each name. Those who may change one are checked by the use cases."""

    async def save(self, journey: Journey) -> Journey:
        """Store a journey, in the place of the one of the same name, which keeps its id and its beginnings.

        The one that is stored is returned. Its services exist.
        """
        ...

    async def delete(self, journey_id: str) -> Journey | None:
        """Take a journey away; None: there is none of this id."""
        ...

    async def by_name(self, names: Sequence[str]) -> Mapping[str, Journey]:
        """Journeys of these names; unknown ones are absent."""
        ...

    async def by_id(self, journey_ids: Sequence[str]) -> Mapping[str, Journey]:
        """These journeys; unknown ids are absent."""
        ...

    async def page(self, page: PageRequest) -> Page[Journey]:
        """In the order of names."""
        ...

    async def every(self, limit: int) -> Sequence[Journey]:
        """The first ``limit`` journeys in the order of names; for those who look at all of them at once."""
        ...
