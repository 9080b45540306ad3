"""What the use cases need from outside: one adapter of each port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.ports.calibration_store import CalibrationStore
from sloengine.application.ports.centrality_store import CentralityStore
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.application.ports.discovery_store import DiscoveryStore
from sloengine.application.ports.divergence_store import DivergenceStore
from sloengine.application.ports.drift_store import DriftStore
from sloengine.application.ports.forecast_store import ForecastStore
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.journey_traces import JourneyTraces
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.organization_overview import OrganizationOverviews
from sloengine.application.ports.outbox import EventLog, EventStream, Outbox
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationJobStore, RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.application.ports.trace_latency import TraceLatency
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.team_authority import TeamAuthority


@dataclass(frozen=True, slots=True)
class Adapters:
    """One adapter of each port, whatever it is made of."""

    graph: ServiceGraph
    ingestions: IngestionStore
    sli_history: SliHistory
    recommendations: RecommendationStore
    recommendation_jobs: RecommendationJobStore
    priors: PriorStore
    calibrations: CalibrationStore
    ledger: SloLedger
    outbox: Outbox
    event_log: EventLog
    drift: DriftStore
    forecasts: ForecastStore
    divergences: DivergenceStore
    discovery: DiscoveryStore
    overviews: OrganizationOverviews
    journeys: JourneyStore
    centrality: CentralityStore
    cache: RecommendationCache
    locks: Locks
    stream: EventStream
    queue: JobQueue
    clock: Clock
    telemetry: TelemetrySource | None
    shapley: ShapleyValues
    grouping: ArchetypeGrouping
    readiness: Callable[[], Awaitable[Mapping[str, str | None]]]
    traces: TraceLatency | None = None
    discoveries: Sequence[DependencyDiscovery] = ()
    missing_discoveries: Mapping[str, str] = field(default_factory=dict)
    journey_traces: JourneyTraces | None = None
    discover_every: Mapping[DiscoverySource, timedelta] = field(default_factory=dict)
    teams: TeamAuthority = field(default_factory=TeamAuthority)
