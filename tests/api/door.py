"""The real HTTP application on memory adapters whose calls are counted."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from types import SimpleNamespace
from typing import Any, cast

import httpx
import numpy as np
from prometheus_client import REGISTRY

from bench.sample_recommendation import sample_recommendation
from sloengine.api.app import create_app
from sloengine.application.accuracy.read_calibration import ReadCalibration
from sloengine.application.accuracy.read_organization import ReadOrganization
from sloengine.application.drift.find_shared_causes import FindSharedCauses
from sloengine.application.drift.read_drift import ReadDrift
from sloengine.application.forecast.forecast_budgets import ForecastBudgets
from sloengine.application.governance.read_ledger import ReadLedger
from sloengine.application.impact.analyse_impact import AnalyseImpact
from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.ports.slo_ledger import Decision, Recorded
from sloengine.application.recommendation.backtest_objective import BacktestObjective
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.application.recommendation.read_recommendations import ReadRecommendations
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.read_budget import ReadBudget
from sloengine.application.telemetry.read_sli import ReadSli
from sloengine.application.topology.analyse_graph import ReadCentrality
from sloengine.application.topology.discover_dependencies import DiscoverDependencies
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.ingest_dependencies import IngestDependencies
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.application.topology.name_rules import ReadNameRules, SaveNameRules
from sloengine.application.topology.read_divergences import ReadDivergences
from sloengine.application.topology.read_graph import ReadGraph
from sloengine.application.topology.register_services import RegisterServices
from sloengine.application.topology.remembered_names import DecideName, ReadRememberedNames
from sloengine.application.topology.scheduled_discovery import ReadDiscoveryStates
from sloengine.application.topology.update_alert import UpdateAlert
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.domain.governance.model import AuditAction, Slo, SloSource, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory.centrality_store import MemoryCentralityStore
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from sloengine.infrastructure.memory.discovery_store import MemoryDiscoveryStore
from sloengine.infrastructure.memory.divergence_store import MemoryDivergenceStore
from sloengine.infrastructure.memory.drift_store import MemoryDriftStore
from sloengine.infrastructure.memory.forecast_store import MemoryForecastStore
from sloengine.infrastructure.memory.ingestion_store import MemoryIngestionStore
from sloengine.infrastructure.memory.organization_overviews import MemoryOrganizationOverviews
from sloengine.infrastructure.memory.recommendation_store import (
    MemoryRecommendationJobStore,
    MemoryRecommendationStore,
)
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from sloengine.infrastructure.memory.sli_history import MemorySliHistory
from sloengine.infrastructure.memory.slo_ledger import MemorySloLedger
from sloengine.infrastructure.memory.small_stores import (
    MemoryCalibrationStore,
    MemoryJobQueue,
    MemoryPriorStore,
    MemoryRecommendationCache,
    SetClock,
)
from sloengine.infrastructure.plain_json import dump_json
from tests.contracts.graph_samples import draw

KEY = "slo_dev_test"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Counted:
    """Passes calls on to an adapter and counts them by name."""

    def __init__(self, inner: object, counts: Counter[str]) -> None:
        self._inner = inner
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not iscoroutinefunction(method):
            return method

        async def counted(*args: Any, **options: Any) -> Any:
            self._counts[f"{type(self._inner).__name__}.{name}"] += 1
            return await method(*args, **options)

        return counted


class Scripted:
    """In the place of a use case: keeps what it was asked, and answers or raises what it was told to."""

    def __init__(self) -> None:
        self.commands: list[Any] = []
        self.answer: Any = None

    async def __call__(self, command: Any, *, actor: Any) -> Any:
        self.commands.append((command, actor))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@dataclass
class Door:
    """The application, its stores, and a client that has the key."""

    db: MemoryDatabase = field(default_factory=MemoryDatabase)
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    counts: Counter[str] = field(default_factory=Counter)
    cache: MemoryRecommendationCache = field(default_factory=MemoryRecommendationCache)
    readiness: dict[str, str | None] = field(default_factory=lambda: {"neo4j": None, "redis": None})
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.graph = MemoryServiceGraph(self.db)
        self.ingestions = MemoryIngestionStore(self.db, self.clock)
        self.store = MemoryRecommendationStore(self.db)
        self.jobs = MemoryRecommendationJobStore(self.db, self.clock)
        self.history = MemorySliHistory(self.db)
        self.ledger = MemorySloLedger(self.db)
        self.calibrations = MemoryCalibrationStore(self.db)
        self.drift_store = MemoryDriftStore(self.db)
        self.forecast_store = MemoryForecastStore(self.db)
        self.priors = MemoryPriorStore(self.db)
        self.centrality = MemoryCentralityStore(self.db)
        self.divergences = MemoryDivergenceStore(self.db)
        self.discovered = MemoryDependencyDiscovery()
        self.queue = MemoryJobQueue()
        for name in (
            "recommend",
            "start_recommendation_job",
            "accept",
            "modify",
            "reject",
            "set_slo",
            "explore_edits",
        ):
            setattr(self, name, Scripted())

    recommend: Scripted = field(init=False)
    start_recommendation_job: Scripted = field(init=False)
    accept: Scripted = field(init=False)
    modify: Scripted = field(init=False)
    reject: Scripted = field(init=False)
    set_slo: Scripted = field(init=False)
    explore_edits: Scripted = field(init=False)

    def use_cases(self) -> UseCases:
        def counted(adapter: object) -> Any:
            return Counted(adapter, self.counts)

        async def readiness() -> Mapping[str, str | None]:
            return self.readiness

        history = counted(self.history)
        calibration = ReadCalibration(counted(self.calibrations))
        made = SimpleNamespace(
            read_graph=ReadGraph(counted(self.graph), counted(self.ingestions)),
            read_centrality=ReadCentrality(counted(self.centrality)),
            read_recommendations=ReadRecommendations(
                counted(self.store),
                counted(self.jobs),
                counted(self.cache),
                Freshness(history, self.clock),
                self.clock,
            ),
            read_sli=ReadSli(history, self.clock),
            read_budget=ReadBudget(history, self.clock),
            backtest_objective=BacktestObjective(counted(self.graph), history, self.clock, 90),
            read_ledger=ReadLedger(counted(self.ledger)),
            read_calibration=calibration,
            read_organization=ReadOrganization(
                counted(MemoryOrganizationOverviews(self.db)), calibration, self.clock
            ),
            forecast_budgets=ForecastBudgets(
                history,
                counted(self.ledger),
                counted(self.forecast_store),
                CurrentPriors(counted(self.priors), counted(self.calibrations)),
                self.clock,
            ),
            analyse_impact=AnalyseImpact(
                ImpactBases(
                    GraphSnapshots(counted(self.graph)),
                    history,
                    counted(self.ledger),
                    LearntFindings(counted(self.graph), timedelta(days=90)),
                    self.clock,
                )
            ),
            read_divergences=ReadDivergences(counted(self.divergences)),
            read_drift=ReadDrift(
                counted(self.drift_store),
                history,
                FindSharedCauses(counted(self.drift_store), counted(self.graph)),
                self.clock,
            ),
            ingest_dependencies=IngestDependencies(self.ingestions, self.queue, self.clock, dump_json),
            discover_dependencies=DiscoverDependencies(
                [self.discovered],
                discovery := MemoryDiscoveryStore(self.db),
                self.graph,
                IngestDependencies(self.ingestions, self.queue, self.clock, dump_json),
                self.clock,
            ),
            read_name_rules=ReadNameRules(discovery),
            save_name_rules=SaveNameRules(discovery, self.clock),
            read_remembered_names=ReadRememberedNames(discovery),
            decide_name=DecideName(discovery, self.clock),
            read_discovery_states=ReadDiscoveryStates([self.discovered], discovery),
            register_services=RegisterServices(self.graph, self.clock),
            update_alert=UpdateAlert(self.graph, self.clock),
            recommend=self.recommend,
            start_recommendation_job=self.start_recommendation_job,
            accept_recommendation=self.accept,
            modify_recommendation=self.modify,
            reject_recommendation=self.reject,
            set_slo=self.set_slo,
            explore_edits=self.explore_edits,
            readiness=readiness,
            telemetry_name="simulated, seed 7",
        )
        return cast("UseCases", made)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def answer(self, query: str, **variables: Any) -> Any:
        """The whole answer."""
        response = await self.client.post("/graphql", json={"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        return response.json()

    async def errors(self, query: str, **variables: Any) -> Any:
        """The errors of an answer that has some."""
        return (await self.answer(query, **variables))["errors"]

    async def add_services(self, *service_ids: str, **what: Any) -> None:
        await self.graph.register([Service(service_id, **what) for service_id in service_ids], now=NOW)

    async def draw(self, *edges: str) -> None:
        await draw(self.graph, *edges)

    async def add_recommendation(self, service_id: str, **what: Any) -> Recommendation:
        plain = replace(
            sample_recommendation(service_id, at=self.clock.now(), series_days=3), recommendation_id=None
        )
        sample = replace(plain, **what)
        stored = (await self.store.save([sample], now=self.clock.now()))[0]
        assert isinstance(stored, Recommendation)
        return stored

    async def cache_recommendation(self, service_id: str) -> Recommendation:
        stored = await self.add_recommendation(service_id)
        await self.cache.put([stored])
        return stored

    async def fresh_telemetry(self) -> None:
        await self.history.set_watermark(Watermark(self.clock.now(), self.clock.now()))

    async def add_availability(self, *service_ids: str, hours: int = 48) -> None:
        shape = (len(service_ids), hours)
        start = self.clock.now() - timedelta(hours=hours)
        panel = SliPanel(
            tuple(service_ids), start, timedelta(hours=1), np.full(shape, 999.0), np.full(shape, 1000.0)
        )
        await self.history.write(panel)
        await self.fresh_telemetry()

    async def add_cycle(self, *members: str) -> CircularDependencyAlert:
        supernode = Supernode("cycle-1", tuple(sorted(members)), (*members, members[0]))
        alert = CircularDependencyAlert(
            "alert-1", AlertStatus.OPEN, supernode.cycle_path, supernode.members, NOW, supernode_id="cycle-1"
        )
        await self.graph.write_condensation(
            supernodes=[supernode], edges=(), alerts=[alert], changed=True, now=NOW
        )
        return alert

    async def decide(self, service_id: str, recommendation_id: str | None = None) -> Recorded:
        """An SLO of 99.95 % and its audit entry."""
        slo = Slo(
            f"slo-{service_id}",
            service_id,
            SliType.AVAILABILITY,
            ComplianceWindow.ROLLING_28D,
            (SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=0.9995),),
            SloSource.MANUAL,
            NOW,
            "user:ada",
            recommendation_id,
        )
        decision = Decision(AuditAction.SET, service_id, SliType.AVAILABILITY, slo, None, "because")
        return await self.ledger.decide(
            service_id=service_id,
            sli_type=SliType.AVAILABILITY,
            recommendation_id=recommendation_id,
            actor="user:ada",
            request=None,
            now=NOW,
            choose=lambda _recommendation, _active: decision,
        )


@asynccontextmanager
async def open_door(**settings: Any) -> AsyncIterator[Door]:
    """An application that is up, in development unless the settings say otherwise."""
    door = Door()

    @asynccontextmanager
    async def opened(_settings: Settings) -> AsyncIterator[UseCases]:
        yield door.use_cases()

    chosen = Settings(_env_file=None, **{"env": "development", "dev_api_key": KEY, **settings})
    app = create_app(chosen, opened=opened)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://engine", headers={"X-API-Key": KEY}) as client,
    ):
        door.client = client
        yield door


def global_id(type_name: str, node_id: str) -> str:
    return base64.b64encode(f"{type_name}:{node_id}".encode()).decode()


def user_errors_counted(code: str) -> float:
    """How many errors of mutations this process has counted under this code."""
    return REGISTRY.get_sample_value("sloengine_user_errors_total", {"code": code}) or 0.0
