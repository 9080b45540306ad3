"""Work out what services' places in the graph say of them, once for each graph version."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.centrality_store import CentralityStore
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.topology.graph_measures import measure
from sloengine.domain.topology.betweenness import EndedEarly
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.graph import DependencyGraph

LOCK = "analyse-graph"
LOCK_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.5
ROUNDS = 4
"""The last one goes on to its end whatever happens to the graph: one that never rests is analysed all the same."""


@dataclass(frozen=True, slots=True)
class AnalyseGraph:
    """Run by the worker after the graph has changed, and every few minutes for changes that nobody told of.

    A version that is outdated before its analysis is done is left, and the newest begun: who asked for that one
    may have been sent away because this one was at it.
    """

    graph: ServiceGraph
    centrality: CentralityStore
    locks: Locks
    clock: Clock
    measure: Callable[[DependencyGraph, Callable[[], bool]], Mapping[str, Centrality]] = measure
    look_every_seconds: float = LOOK_EVERY_SECONDS

    async def __call__(self) -> int | None:
        """The version analysed; None: there was nothing to do, or another worker is at it. Safe to run twice."""
        if await self.centrality.analysed_version() == await self.graph.version():
            return None
        analysed: int | None = None
        async with self.locks.hold(LOCK, ttl_seconds=LOCK_SECONDS) as got:
            if not got:
                return None
            for rounds_left in reversed(range(ROUNDS)):
                if await self.centrality.analysed_version() == await self.graph.version():
                    break
                snapshot = await self.graph.snapshot()
                found = await self._measured(snapshot, may_end_early=rounds_left > 0)
                if found is None:
                    continue
                if not await self.centrality.save(found, graph_version=snapshot.version, now=self.clock.now()):
                    break  # a newer one is stored
                analysed = snapshot.version
        return analysed

    async def _measured(
        self, snapshot: DependencyGraph, *, may_end_early: bool
    ) -> Mapping[str, Centrality] | None:
        """The measures; None where the graph has moved on before they were done."""
        outdated = threading.Event()
        measuring = asyncio.create_task(asyncio.to_thread(self.measure, snapshot, outdated.is_set))
        try:
            while may_end_early and not outdated.is_set():
                if (await asyncio.wait([measuring], timeout=self.look_every_seconds))[0]:
                    break
                if await self.graph.version() != snapshot.version:
                    outdated.set()
            return await measuring
        except EndedEarly:
            return None
        finally:
            # Also where this was cancelled, or the version cannot be read: no thread works on for nobody.
            outdated.set()
            measuring.cancel()


@dataclass(frozen=True, slots=True)
class ReadCentrality:
    """Open to every role."""

    centrality: CentralityStore

    async def __call__(self, service_ids: Sequence[str]) -> Mapping[str, Centrality]:
        """Of these services; those not analysed yet are absent."""
        return await self.centrality.of(service_ids)
