"""Journeys in Neo4j: a node, one for each of its routes, and a relationship to each service on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sloengine.application.ports.journey_store import changed_meanwhile
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.instants import instant, microseconds


class Neo4jJourneyStore:
    """Keeps the ``JourneyStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def save(self, journey: Journey, *, replacing: Journey | None = None) -> Journey:
        """One transaction: what is stored is looked at under the lock of the write."""
        return (await self.save_all([(journey, replacing)]))[0]

    async def save_all(self, journeys: Sequence[tuple[Journey, Journey | None]]) -> Sequence[Journey]:
        """One transaction for all; locks are taken in the order of names, so that two of these do not meet."""
        in_order = sorted(journeys, key=lambda pair: pair[0].name)
        write_id = str(uuid4())

        async def work(transaction: Transaction) -> dict[str, list[Any]]:
            rows: dict[str, list[Any]] = {}
            for journey, replacing in in_order:
                row = await transaction.row(
                    "write/save_journey",
                    journey_id=journey.journey_id,
                    name=journey.name,
                    entry_points=list(journey.entry_points),
                    routes=[
                        {"name": route.name, "weight": route.weight, "services": list(route.services)}
                        for route in journey.routes
                    ],
                    actor=journey.updated_by,
                    now=journey.updated_at,
                    replaced=None if replacing is None else _as_read(replacing),
                    write_id=write_id,
                )
                if row is None:
                    raise changed_meanwhile(journey.name)
                rows[journey.name] = row
            return rows

        rows = await self._connection.in_write(work, knows_itself=True)
        return [_journey_of(*rows[journey.name]) for journey, _ in journeys]

    async def delete(self, journey_id: str) -> Journey | None:
        """Take it away."""
        known: list[Any] = []

        async def work(transaction: Transaction) -> list[Any]:
            nonlocal known
            found = await transaction.rows("read/journeys_by_id", journey_ids=[journey_id])
            if found:
                await transaction.rows("write/delete_journey", journey_id=journey_id)
            # Seen before, when this ran first, it is gone by now, and that is what was asked for.
            known = found or known
            return known

        found = await self._connection.in_write(work, knows_itself=True)
        return _journey_of(*found[0]) if found else None

    async def by_name(self, names: Sequence[str]) -> Mapping[str, Journey]:
        """Of these names."""
        rows = await self._connection.read("journeys_by_name", names=list(names))
        return {one.name: one for one in (_journey_of(*row) for row in rows)}

    async def by_id(self, journey_ids: Sequence[str]) -> Mapping[str, Journey]:
        """Of these ids."""
        rows = await self._connection.read("journeys_by_id", journey_ids=list(journey_ids))
        return {one.journey_id: one for one in (_journey_of(*row) for row in rows)}

    async def page(self, page: PageRequest) -> Page[Journey]:
        """In the order of names."""
        limit = rows_to_read(page)
        (after,) = key_of(page.after, str) or (None,)

        async def work(transaction: Transaction) -> tuple[list[Any], int]:
            rows = await transaction.rows("read/page_of_journeys", after=after, limit=limit)
            return rows, first_of(await transaction.rows("read/count_of_journeys"))

        rows, total = await self._connection.in_read(work)
        return page_of([_journey_of(*row) for row in rows], page, total, lambda one: (one.name,))

    async def every(self, limit: int) -> Sequence[Journey]:
        """In the order of names."""
        rows = await self._connection.read("page_of_journeys", after=None, limit=limit)
        return [_journey_of(*row) for row in rows]


def _as_read(journey: Journey) -> dict[str, Any]:
    return {
        "journey_id": journey.journey_id,
        "entry_points": list(journey.entry_points),
        "updated_at_us": microseconds(journey.updated_at),
    }


def _journey_of(
    journey_id: str,
    name: str,
    entry_points: list[str],
    routes: list[list[Any]],
    created_by: str,
    created_at_us: int,
    updated_by: str,
    updated_at_us: int,
) -> Journey:
    return Journey(
        journey_id,
        name,
        tuple(entry_points),
        tuple(JourneyRoute(route, weight, tuple(services)) for route, weight, services in routes),
        created_by,
        instant(created_at_us),
        updated_by,
        instant(updated_at_us),
    )
