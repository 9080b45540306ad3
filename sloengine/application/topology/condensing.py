"""Supernodes, condensation and alerts of the whole merged graph, after anything in it changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.topology.alerts import reconcile_alerts
from sloengine.domain.topology.condensation import Condensation, condense
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.ingestion import CircularDependencyAlert


@dataclass(frozen=True, slots=True)
class Condensing:
    """Part of every use case that writes dependencies; safe to run twice. Hold the graph's lock around it."""

    graph: ServiceGraph
    clock: Clock

    async def __call__(self, *, changed: bool) -> tuple[int, int]:
        """Number of supernodes and the graph version in force, which has moved when ``changed``.

        Run with ``changed`` False it only mends what an earlier run may have left out.
        """
        graph = await self.graph.snapshot()
        found = await asyncio.to_thread(_condense, graph)
        alerts = await self._all_alerts()
        now = self.clock.now()
        news = reconcile_alerts(alerts, found.supernodes, now)
        version = await self.graph.write_condensation(
            supernodes=found.supernodes, edges=found.edges, alerts=news.all, changed=changed, now=now
        )
        return len(found.supernodes), version

    async def _all_alerts(self) -> list[CircularDependencyAlert]:
        alerts: list[CircularDependencyAlert] = []
        after: str | None = None
        while True:
            page = await self.graph.alerts(None, PageRequest(MAX_PAGE_SIZE, after))
            alerts.extend(page.rows)
            if not page.has_next:
                return alerts
            after = page.cursors[-1]


def _condense(graph: DependencyGraph) -> Condensation:
    live = [(edge.caller, edge.dependency) for edge in graph.dependencies if not edge.is_stale]
    return condense([service.service_id for service in graph.services], live, graph.supernodes)
