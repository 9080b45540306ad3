"""Journeys in a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sloengine.application.ports.journey_store import changed_meanwhile
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.journeys.model import Journey
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.paging import SortKey, cut


class MemoryJourneyStore:
    """Keeps the ``JourneyStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def save(self, journey: Journey, *, replacing: Journey | None = None) -> Journey:
        """Store it in the place of the one that was read."""
        return (await self.save_all([(journey, replacing)]))[0]

    async def save_all(self, journeys: Sequence[tuple[Journey, Journey | None]]) -> Sequence[Journey]:
        """Store all of them in the places of those that were read, or none."""
        saved: list[Journey] = []
        for journey, replacing in journeys:
            known = self._db.journeys.get(journey.name)
            if _seen(known) != _seen(replacing):
                raise changed_meanwhile(journey.name)
            if known is None:
                saved.append(journey)
            else:
                journey_id, by, at = known.journey_id, known.created_by, known.created_at
                saved.append(replace(journey, journey_id=journey_id, created_by=by, created_at=at))
        self._db.journeys.update({journey.name: journey for journey in saved})
        return saved

    async def delete(self, journey_id: str) -> Journey | None:
        """Take it away."""
        found = next((one for one in self._db.journeys.values() if one.journey_id == journey_id), None)
        return None if found is None else self._db.journeys.pop(found.name)

    async def by_name(self, names: Sequence[str]) -> Mapping[str, Journey]:
        """Of these names."""
        return {name: self._db.journeys[name] for name in names if name in self._db.journeys}

    async def by_id(self, journey_ids: Sequence[str]) -> Mapping[str, Journey]:
        """Of these ids."""
        wanted = set(journey_ids)
        return {one.journey_id: one for one in self._db.journeys.values() if one.journey_id in wanted}

    async def page(self, page: PageRequest) -> Page[Journey]:
        """In the order of names."""
        return cut(self._db.journeys.values(), _by_name, page)

    async def every(self, limit: int) -> Sequence[Journey]:
        """In the order of names."""
        return sorted(self._db.journeys.values(), key=_by_name)[:limit]


def _seen(journey: Journey | None) -> tuple[object, ...] | None:
    return None if journey is None else (journey.journey_id, journey.entry_points, journey.updated_at)


def _by_name(journey: Journey) -> SortKey:
    return (journey.name,)
