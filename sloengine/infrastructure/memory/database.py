"""What a test's stores share, as the real ones share one Neo4j."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sloengine.application.ports.discovery_store import DiscoveryRun, StoredNameRules
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.watch import Watch
from sloengine.domain.forecast.learnt import Learnt
from sloengine.domain.governance.model import AuditEvent, Slo
from sloengine.domain.journeys.model import Journey
from sloengine.domain.recommendation.model import ObjectiveKind, RecommendationResult, SliType
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.divergence import Divergence
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import CircularDependencyAlert, Ingestion
from sloengine.domain.topology.name_decisions import RememberedName
from sloengine.domain.topology.pass_through_finding import PassThroughFinding
from sloengine.domain.topology.service import Service

type Pair = tuple[str, str]


@dataclass
class Job:
    """A bulk recommendation."""

    service_ids: tuple[str, ...]
    options: Mapping[str, str]
    touched_at: datetime
    done: set[str] = field(default_factory=set)
    failed: int = 0


@dataclass
class MemoryDatabase:
    """All stored values; adapters made from one database see each other's writes."""

    version: int = 0
    has_pending_change: bool = False
    is_reshaped: bool = False
    listings: dict[tuple[DiscoverySource, str | None], datetime] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    claims: dict[tuple[str, str, DiscoverySource], DependencyClaim] = field(default_factory=dict)
    merged: dict[Pair, Dependency] = field(default_factory=dict)
    pass_through: dict[Pair, PassThroughFinding] = field(default_factory=dict)
    pass_through_revision: int = 0
    pass_through_void_before: datetime | None = None
    supernodes: dict[str, Supernode] = field(default_factory=dict)
    condensation: tuple[Pair, ...] = ()
    budgets: dict[str, float] = field(default_factory=dict)
    centrality: dict[str, Centrality] = field(default_factory=dict)
    analysed_version: int | None = None
    divergences: dict[str, Divergence] = field(default_factory=dict)
    alerts: dict[str, CircularDependencyAlert] = field(default_factory=dict)
    created_by: dict[str, tuple[set[str], set[Pair], set[Pair], set[Pair]]] = field(default_factory=dict)

    answered: dict[tuple[str, str, str], tuple[datetime, str, Any]] = field(default_factory=dict)

    name_rules: StoredNameRules | None = None
    remembered_names: dict[tuple[str, tuple[str, ...]], RememberedName] = field(default_factory=dict)
    discovery_runs: dict[DiscoverySource, DiscoveryRun] = field(default_factory=dict)

    ingestions: dict[str, Ingestion] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)
    touched_at: dict[str, datetime] = field(default_factory=dict)

    results: list[tuple[str, datetime, RecommendationResult]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)

    slos: dict[str, Slo] = field(default_factory=dict)
    active: dict[tuple[str, SliType], str] = field(default_factory=dict)
    trail: list[AuditEvent] = field(default_factory=list)
    outbox: dict[str, OutboxEvent] = field(default_factory=dict)
    told: list[OutboxEvent] = field(default_factory=list)  # numbered, the first is number 1
    appended: set[str] = field(default_factory=set)
    to_tell: dict[str, datetime] = field(default_factory=dict)

    availability: dict[str, dict[datetime, tuple[int, float, float, float]]] = field(default_factory=dict)
    edge_calls: dict[Pair, dict[datetime, tuple[int, float, float, float]]] = field(default_factory=dict)
    latency: dict[str, dict[datetime, tuple[tuple[float, ...], tuple[float, ...]]]] = field(default_factory=dict)
    latency_hours: dict[str, dict[datetime, tuple[float, float, float, float]]] = field(default_factory=dict)
    percentiles_only: set[str] = field(default_factory=set)
    past_asked_at: dict[str, datetime] = field(default_factory=dict)
    watermark: Watermark = field(default_factory=lambda: Watermark(None, None))
    watches: dict[tuple[str, ObjectiveKind], tuple[Watch, int]] = field(default_factory=dict)
    drift_events: dict[str, DriftEvent] = field(default_factory=dict)
    forecasts_learnt: tuple[Learnt, datetime] | None = None
    at_risk: dict[str, datetime] = field(default_factory=dict)
    journeys: dict[str, Journey] = field(default_factory=dict)
    priors: dict[str, tuple[Mapping[str, Any], datetime]] = field(default_factory=dict)
    calibrations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
