"""The whole merged graph, read once and kept."""

from __future__ import annotations

import asyncio
import time

from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.service_rows import dependency_of, service_of, supernode_of

SNAPSHOT_SECONDS = 3_600.0
"""Confidence fades and dependencies are seen again without moving the version: every hour they are read anew."""


class KeptSnapshot:
    """One snapshot, good as long as the graph version stands."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection
        self._snapshot: DependencyGraph | None = None
        self._read_at = 0.0
        self._loading = asyncio.Lock()
        self._refreshing: asyncio.Task[DependencyGraph] | None = None

    async def version(self) -> int:
        """The graph version; 0 before anything was merged."""
        return first_of(await self._connection.read("graph_version")) or 0

    async def current(self) -> DependencyGraph:
        """The snapshot; read again when the version has moved."""
        found = await self.good()
        if found is None:
            async with self._loading:
                found = await self.good()
                if found is None:
                    started = time.monotonic()
                    found = await self._connection.in_read(read_snapshot)
                    await asyncio.to_thread(_index, found)
                    self._snapshot = found
                    self._read_at = started
        return found

    async def good(self) -> DependencyGraph | None:
        """What is kept, while it is of the version in force and its confidences have not faded much."""
        version = await self.version()
        snapshot = self._snapshot
        if snapshot is None or snapshot.version != version:
            return None
        return snapshot if time.monotonic() - self._read_at < SNAPSHOT_SECONDS else None

    def refresh(self) -> None:
        """Read the snapshot in the background unless that is under way; when it fails, the next one tries."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self.current())
            self._refreshing.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def close(self) -> None:
        """Stop what runs in the background."""
        if self._refreshing is not None and not self._refreshing.done():
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])


async def read_snapshot(transaction: Transaction) -> DependencyGraph:
    """All of the merged graph, in one read transaction."""
    version = first_of(await transaction.rows("read/graph_version")) or 0
    services = [service_of(row) async for row in transaction.stream("read/all_services")]
    known = {service.service_id for service in services}
    dependencies: list[Dependency] = []
    async for caller, edges in transaction.stream("read/all_dependencies"):
        # A batch that commits between the two reads may name a service that the first did not see yet.
        if caller in known:
            dependencies += [dependency_of(caller, edge[0], edge[1:]) for edge in edges if edge[0] in known]
    supernodes = [supernode_of(row) for row in await transaction.rows("read/supernodes")]
    return DependencyGraph(tuple(services), tuple(dependencies), version, tuple(supernodes))


def _index(graph: DependencyGraph) -> None:
    """Make what a walk looks up: the first who walks would hold up all others with it."""
    _ = graph.index, graph.edges_by_caller, graph.edges_by_dependency, graph.supernode_by_member
