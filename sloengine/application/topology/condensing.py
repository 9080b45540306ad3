"""Supernodes, condensation and alerts of the whole merged graph, after anything in it changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.alerts import reconcile_alerts
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.ingestion import CircularDependencyAlert

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Condensing:
    """Part of every use case that writes dependencies; safe to run twice. Hold the graph's lock around it."""

    graph: ServiceGraph
    clock: Clock

    async def __call__(self, *, changed: bool, ingestion_id: str | None = None) -> tuple[int, int]:
        """Number of supernodes and the graph version in force, which has moved when ``changed``; ``ingestion_id``:
        what has changed it.

        Supernodes can only be others than before when services or dependencies came or went. The store knows
        whether they did, also when the process that wrote them died; where they did not, nothing is read.
        Run with ``changed`` False it only mends what an earlier run may have left out.
        """
        standing = await self.graph.standing()
        if not standing.is_reshaped:
            version = await self.graph.move_version(
                changed=changed, now=self.clock.now(), ingestion_id=ingestion_id
            )
            return standing.supernodes, version
        shape = await self.graph.shape()
        found = await asyncio.to_thread(condense, shape.service_ids, shape.pairs, shape.supernodes)
        for attempt in range(_ATTEMPTS):
            alerts = await self._all_alerts()
            now = self.clock.now()
            news = reconcile_alerts(alerts, found.supernodes, now)
            try:
                version = await self.graph.write_condensation(
                    supernodes=found.supernodes,
                    edges=found.edges,
                    alerts=news.all,
                    changed=changed,
                    now=now,
                    ingestion_id=ingestion_id,
                )
            except Conflict:  # somebody changed an alert since it was read: what they said must not be lost
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
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
