"""Centrality in Neo4j: properties of the services, and one node that says which graph version they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import batched

from sloengine.domain.topology.centrality import Centrality
from sloengine.infrastructure.neo4j.connection import Neo4jConnection

_SERVICES_AT_ONCE = 2_000


class Neo4jCentralityStore:
    """Keeps the ``CentralityStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def analysed_version(self) -> int | None:
        """The graph version of the stored analysis."""
        row = await self._connection.read_row("analysed_version")
        return None if row is None else int(row[0])

    async def save(self, found: Mapping[str, Centrality], *, graph_version: int, now: datetime) -> bool:
        """In batches, so that nobody who writes services waits long; the version last."""
        known = await self.analysed_version()
        if known is not None and known > graph_version:
            return False
        for part in batched(sorted(found.items()), _SERVICES_AT_ONCE):
            rows = [
                {
                    "service_id": service_id,
                    "page_rank": one.page_rank,
                    "betweenness": one.betweenness,
                    "betweenness_error": one.betweenness_error,
                    "blast_radius": one.blast_radius,
                    "community": one.community,
                    "single_point_of_failure": one.single_point_of_failure,
                    "depth": one.depth,
                }
                for service_id, one in part
            ]
            await self._connection.write("save_centrality", rows=rows, graph_version=graph_version)
        noted = await self._connection.write("finish_analysis", graph_version=graph_version, now=now)
        return bool(noted[0][0] == graph_version)

    async def of(self, service_ids: Sequence[str]) -> Mapping[str, Centrality]:
        """Of these services."""
        rows = await self._connection.read("centrality", service_ids=list(service_ids))
        return {row[0]: Centrality(*row[1:]) for row in rows}
