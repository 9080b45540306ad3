"""Divergences in Neo4j: ``(:Service)-[:DIVERGES]->(:Divergence)-[:FROM_DEPENDENCY]->(:Service)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import DECLARING, OBSERVING, Divergence, DivergenceKind, Sighting
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.instants import instant, microseconds
from sloengine.infrastructure.neo4j.outbox import event_properties

DIVERGENCE_DETECTED = "DivergenceDetected"


class Neo4jDivergenceStore:
    """Keeps the ``DivergenceStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def callers(self) -> Sequence[str]:
        """Callers that may have divergences, by id."""
        rows = await self._connection.read(
            "callers_that_may_diverge", observing=sorted(OBSERVING), declaring=sorted(DECLARING)
        )
        return sorted(caller for (caller,) in rows)

    async def sightings(self, callers: Sequence[str]) -> Mapping[str, Sequence[Sighting]]:
        """All claims on dependencies of each."""
        rows = await self._connection.read("sightings_of", callers=list(callers))
        return {
            caller: [
                Sighting(dependency, DiscoverySource(source), instant(first_us), instant(last_us))
                for dependency, source, first_us, last_us in sightings
            ]
            for caller, sightings in rows
        }

    async def replace(
        self, callers: Sequence[str], found: Sequence[Divergence], *, now: datetime
    ) -> Sequence[str]:
        """One transaction; an event for each that is new."""
        ordered = sorted(found, key=lambda one: one.divergence_id)
        rows = [_row(one, place, now) for place, one in enumerate(ordered)]
        kept = [one.divergence_id for one in ordered]

        async def work(transaction: Transaction) -> list[str]:
            await transaction.rows("write/drop_divergences", callers=list(callers), kept=kept)
            return [row[0] for row in await transaction.rows("write/merge_divergences", rows=rows, now=now)]

        return await self._connection.in_write(work)

    async def page(self, page: PageRequest) -> Page[Divergence]:
        """Youngest first."""
        limit = rows_to_read(page)
        before_us, after_id = key_of(page.after, int, str) or (None, None)

        async def work(transaction: Transaction) -> tuple[list[Any], int]:
            rows = await transaction.rows(
                "read/page_of_divergences", before_us=before_us, after_id=after_id, limit=limit
            )
            return rows, first_of(await transaction.rows("read/count_of_divergences"))

        rows, total = await self._connection.in_read(work)
        return page_of(
            [_divergence(row) for row in rows],
            page,
            total,
            lambda one: (microseconds(one.since), one.divergence_id),
        )

    async def by_id(self, divergence_ids: Sequence[str]) -> Mapping[str, Divergence]:
        """These divergences."""
        rows = await self._connection.read("divergences_by_id", divergence_ids=list(divergence_ids))
        return {row[0]: _divergence(row) for row in rows}


def _row(one: Divergence, place: int, now: datetime) -> dict[str, Any]:
    event = OutboxEvent(str(uuid4()), DIVERGENCE_DETECTED, one.caller, now, {"divergence": one.divergence_id})
    return {
        "divergence_id": one.divergence_id,
        "caller": one.caller,
        "dependency": one.dependency,
        "properties": {
            "kind": one.kind.value,
            "caller": one.caller,
            "dependency": one.dependency,
            "declared_by": [source.value for source in one.declared_by],
            "observed_by": [source.value for source in one.observed_by],
            "since": one.since,
            "message": one.message,
        },
        "event": event_properties(event, place),
    }


def _divergence(row: Sequence[Any]) -> Divergence:
    return Divergence(
        divergence_id=row[0],
        kind=DivergenceKind(row[1]),
        caller=row[2],
        dependency=row[3],
        declared_by=tuple(DiscoverySource(source) for source in row[4]),
        observed_by=tuple(DiscoverySource(source) for source in row[5]),
        since=instant(row[6]),
        message=row[7],
    )
