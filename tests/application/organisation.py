"""A small engine on memory adapters, for use-case tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.bootstrap.adapters import Adapters
from sloengine.bootstrap.container import wire
from sloengine.bootstrap.discoveries import MISSING_DISCOVERIES
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion
from sloengine.domain.topology.team_authority import TeamAuthority
from sloengine.infrastructure.memory import MemoryStores, open_memory
from sloengine.infrastructure.memory.archetype_groups import GapGroups
from sloengine.infrastructure.memory.journey_traces import MemoryJourneyTraces
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from sloengine.infrastructure.memory.shapley_values import EnumeratedShapleyValues
from sloengine.infrastructure.memory.small_stores import (
    MemoryEventStream,
    MemoryJobQueue,
    MemoryLocks,
    MemoryRecommendationCache,
    SetClock,
)
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from sloengine.infrastructure.plain_json import load_json

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
ADMIN = Actor("apikey:test", Role.SRE_ADMIN)
OWNER = Actor("user:ada", Role.SERVICE_OWNER, frozenset({"payments"}))
VIEWER = Actor("user:vic", Role.VIEWER)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Engine:
    """Adapters on one database, and the use cases made from them."""

    source: MemoryTelemetrySource | None = None
    journey_traces: MemoryJourneyTraces | None = None
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    queue: MemoryJobQueue = field(default_factory=MemoryJobQueue)
    locks: MemoryLocks = field(default_factory=MemoryLocks)
    cache: MemoryRecommendationCache = field(default_factory=MemoryRecommendationCache)
    stream: MemoryEventStream = field(default_factory=MemoryEventStream)
    discoveries: Sequence[DependencyDiscovery] = ()
    teams: TeamAuthority = field(default_factory=TeamAuthority)
    stores: MemoryStores = field(init=False)

    def __post_init__(self) -> None:
        self.stores = open_memory(self.clock)
        self.db, self.graph, self.history = self.stores.database, self.stores.graph, self.stores.sli_history

        async def readiness() -> Mapping[str, str | None]:
            return {"memory": None}

        self.use = wire(
            Adapters(
                graph=self.stores.graph,
                ingestions=self.stores.ingestions,
                sli_history=self.stores.sli_history,
                recommendations=self.stores.recommendations,
                recommendation_jobs=self.stores.recommendation_jobs,
                priors=self.stores.priors,
                calibrations=self.stores.calibrations,
                ledger=self.stores.ledger,
                outbox=self.stores.outbox,
                event_log=self.stores.event_log,
                drift=self.stores.drift,
                forecasts=self.stores.forecasts,
                divergences=self.stores.divergences,
                discovery=self.stores.discovery,
                overviews=self.stores.overviews,
                journeys=self.stores.journeys,
                centrality=self.stores.centrality,
                cache=self.cache,
                locks=self.locks,
                stream=self.stream,
                queue=self.queue,
                clock=self.clock,
                telemetry=self.source,
                shapley=EnumeratedShapleyValues(),
                grouping=GapGroups(),
                readiness=readiness,
                discoveries=self.discoveries,
                journey_traces=self.journey_traces,
                missing_discoveries=MISSING_DISCOVERIES,
                discover_every={DiscoverySource.OTEL: HOUR},
                teams=self.teams,
            )
        )
        # A decision waits as long as it takes: how busy the machine is must not be seen in its answer.
        self.use.set_slo.deciding.callers.seconds = 600

    def merge_on(self, graph: MemoryServiceGraph) -> MergeIngestion:
        """The merge as it would be on another graph adapter, in batches of twenty."""
        condensing = Condensing(graph, self.clock)
        return MergeIngestion(
            self.stores.ingestions,
            graph,
            self.cache,
            self.locks,
            condensing,
            self.clock,
            load_json,
            self.queue,
            20,
        )

    async def submit(self, source: DiscoverySource = DiscoverySource.MANUAL, **given: Any) -> Ingestion:
        """As a client does."""
        return await self.use.ingest_dependencies(IngestDependenciesCommand(source, **given), actor=ADMIN)

    async def ingest(self, source: DiscoverySource = DiscoverySource.MANUAL, **given: Any) -> Ingestion:
        """Submit and merge."""
        queued = await self.submit(source, **given)
        return await self.use.merge_ingestion(queued.ingestion_id)

    async def aggregate(self) -> None:
        """Catch up with the source, and learn."""
        await self.use.aggregate_telemetry(AggregateTelemetryCommand())
        await self.use.learn_priors()


def edges(*pairs: str, **attributes: Any) -> list[dict[str, Any]]:
    """Rows such as "a>b"."""
    return [dict(zip(("caller", "dependency"), pair.split(">"), strict=True), **attributes) for pair in pairs]


def hourly_panel(
    *service_ids: str,
    days: int = 60,
    until: datetime = NOW,
    rate: float = 1e-4,
    seed: int = 1,
    volume: float = 5e3,
) -> SliPanel:
    """Traffic with a constant failure rate and a two-hour incident every tenth day, up to the last whole hour."""
    rng = np.random.default_rng(seed)
    end = until.replace(minute=0, second=0, microsecond=0)
    hours = days * 24
    shape = (len(service_ids), hours)
    total = rng.poisson(volume, shape).astype(float)
    unavailability = np.full(shape, rate)
    for row in range(len(service_ids)):
        for day in range(row + 3, days, 10):
            unavailability[row, day * 24 + 9 : day * 24 + 11] = 0.05
    bad = rng.binomial(total.astype(int), unavailability)
    return SliPanel(service_ids, end - hours * HOUR, HOUR, total - bad, total)


def hourly_latency(service_id: str, panel: SliPanel, seed: int = 2) -> LatencyHistory:
    """Lognormal latency of the panel's requests; rows are hours."""
    rng = np.random.default_rng(seed)
    bounds = np.array([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, np.inf])
    total = panel.total[panel.rows[service_id]].astype(int)
    counts = np.zeros((len(total), len(bounds)))
    for hour, requests in enumerate(total):
        drawn = rng.lognormal(np.log(0.04), 0.6, min(requests, 500))
        counts[hour] = np.bincount(np.searchsorted(bounds, drawn), minlength=len(bounds))
    return LatencyHistory(service_id, panel.start_at, bounds, counts)


async def shop(days: int = 60) -> Engine:
    """front calls cart calls db, each request once, and fails with them; observed, aggregated and learnt from."""
    panel = hourly_panel("front", "cart", "db", days=days)
    failed = np.cumsum(panel.bad[::-1], axis=0)[::-1]
    panel.total[:] = panel.total.min(axis=0)
    panel.good[:] = np.clip(panel.total - failed, 0, None)
    engine = Engine(MemoryTelemetrySource(panel, {"front": hourly_latency("front", panel)}))
    await engine.ingest(
        services=[
            {"serviceId": "front", "team": "payments", "criticality": "CRITICAL"},
            {"serviceId": "cart", "team": "web"},
            {"serviceId": "db"},
        ],
        dependencies=edges("front>cart", "cart>db"),
    )
    await engine.aggregate()
    return engine
