"""Journeys as they were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Conflict
from sloengine.domain.journeys.model import Journey


def changed_meanwhile(name: str) -> Conflict:
    """What every store raises when the journey of this name is not the one that was read."""
    return Conflict(f"somebody else has just saved or deleted journey {name!r}; look at it and save again")


class JourneyStore(Protocol):
    """One journey of each name. Those who may change one are checked by the use cases."""

    async def save(self, journey: Journey, *, replacing: Journey | None = None) -> Journey:
        """Store a journey, in the place of the one of the same name, which keeps its id and its beginnings.

        As ``save_all`` with one.
        """
        ...

    async def save_all(self, journeys: Sequence[tuple[Journey, Journey | None]]) -> Sequence[Journey]:
        """Store these journeys, all or none; each in the place of the one of its name, beside it in the pair.

        The second of a pair: the one of this name as it was read; None: there was none. Who may save was decided
        on it, so ``Conflict`` is raised, and nothing written, when another one (other id, entry points or time of
        change) or none is stored by now. What is stored is returned, in the same order. Its services exist, and no
        two have the same name.
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
