"""Work out what services' places in the graph say of them, once for each graph version."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.centrality_store import CentralityStore
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.topology.graph_measures import measure
from sloengine.domain.topology.centrality import Centrality

LOCK = "analyse-graph"
LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AnalyseGraph:
    """Run by the worker after the graph has changed, and every few minutes for changes that nobody told of."""

    graph: ServiceGraph
    centrality: CentralityStore
    locks: Locks
    clock: Clock

    async def __call__(self) -> int | None:
        """The version analysed; None: there was nothing to do, or another worker is at it. Safe to run twice."""
        if await self.centrality.analysed_version() == await self.graph.version():
            return None
        async with self.locks.hold(LOCK, ttl_seconds=LOCK_SECONDS) as got:
            if not got:
                return None
            snapshot = await self.graph.snapshot()
            if await self.centrality.analysed_version() == snapshot.version:
                return None
            found = await asyncio.to_thread(measure, snapshot)
            stored = await self.centrality.save(found, graph_version=snapshot.version, now=self.clock.now())
        return snapshot.version if stored else None


@dataclass(frozen=True, slots=True)
class ReadCentrality:
    """Open to every role."""

    centrality: CentralityStore

    async def __call__(self, service_ids: Sequence[str]) -> Mapping[str, Centrality]:
        """Of these services; those not analysed yet are absent."""
        return await self.centrality.of(service_ids)
