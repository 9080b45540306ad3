"""The composition root: every use case, wired to its adapters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sloengine import __version__
from sloengine.application.accuracy.learn_calibration import LearnCalibration
from sloengine.application.accuracy.read_calibration import ReadCalibration
from sloengine.application.accuracy.read_organization import ReadOrganization
from sloengine.application.drift.detect_drift import DetectDrift
from sloengine.application.drift.read_drift import ReadDrift
from sloengine.application.drift.reevaluate_drifted import ReevaluateDrifted
from sloengine.application.forecast.forecast_budgets import ForecastBudgets
from sloengine.application.forecast.learn_forecast_levels import LearnForecastLevels
from sloengine.application.forecast.watch_budgets import WatchBudgets
from sloengine.application.governance.accept_recommendation import AcceptRecommendation
from sloengine.application.governance.deciding import Deciding
from sloengine.application.governance.modify_recommendation import ModifyRecommendation
from sloengine.application.governance.read_ledger import ReadLedger
from sloengine.application.governance.reject_recommendation import RejectRecommendation
from sloengine.application.governance.relay_outbox import RelayOutbox
from sloengine.application.governance.set_slo import SetSlo
from sloengine.application.impact.analyse_impact import AnalyseImpact
from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.impact.resume_telling import ResumeTelling
from sloengine.application.impact.tell_callers import TellCallers
from sloengine.application.impact.warn_callers import WarnCallers
from sloengine.application.journeys.delete_journey import DeleteJourney
from sloengine.application.journeys.derive_journeys import DeriveJourneys
from sloengine.application.journeys.journeys_hurt import JourneysHurt
from sloengine.application.journeys.read_journeys import ReadJourneys
from sloengine.application.journeys.recommend_journeys import RecommendJourneys
from sloengine.application.journeys.save_journey import SaveJourney
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
from sloengine.application.ports.outbox import EventStream, Outbox
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationJobStore, RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.application.ports.trace_latency import TraceLatency
from sloengine.application.recommendation.backtest_objective import BacktestObjective
from sloengine.application.recommendation.evidence_reader import EvidenceReader, GraphSnapshots
from sloengine.application.recommendation.expire_recommendations import ExpireRecommendations
from sloengine.application.recommendation.judge_targets import JudgeTargets
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.application.recommendation.read_recommendations import ReadRecommendations
from sloengine.application.recommendation.recommend import Recommend
from sloengine.application.recommendation.recommendation_job import (
    ContinueRecommendationJob,
    ResumeRecommendationJobs,
    StartRecommendationJob,
)
from sloengine.application.recommendation.refresh_recommendations import RefreshRecommendations
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetry
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.learn_priors import LearnPriors
from sloengine.application.telemetry.load_sli import LoadSli
from sloengine.application.telemetry.note_budgets import NoteBudgets
from sloengine.application.telemetry.prune_history import PruneHistory
from sloengine.application.telemetry.pull_missing_hours import PullMissingHours
from sloengine.application.telemetry.read_budget import ReadBudget
from sloengine.application.telemetry.read_sli import ReadSli
from sloengine.application.topology.analyse_graph import AnalyseGraph, ReadCentrality
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.detect_divergences import DetectDivergences
from sloengine.application.topology.discover_dependencies import DiscoverDependencies
from sloengine.application.topology.ingest_dependencies import IngestDependencies
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.application.topology.mark_stale import MarkStale
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.application.topology.name_rules import ReadNameRules, SaveNameRules
from sloengine.application.topology.read_divergences import ReadDivergences
from sloengine.application.topology.read_graph import ReadGraph
from sloengine.application.topology.register_services import RegisterServices
from sloengine.application.topology.resume_ingestions import ResumeIngestions
from sloengine.application.topology.scheduled_discovery import EnqueueDueDiscoveries, ReadDiscoveryStates
from sloengine.application.topology.update_alert import UpdateAlert
from sloengine.application.what_if.explore_edits import ExploreEdits
from sloengine.bootstrap.discoveries import MISSING_DISCOVERIES, configured_discoveries
from sloengine.bootstrap.platforms import MISSING_PLATFORMS, platforms
from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.domain.errors import Unavailable
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import RememberedNames
from sloengine.domain.topology.name_rules import NameRules
from sloengine.infrastructure.clock import SystemClock
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors
from sloengine.infrastructure.learning.shap_values import ShapValues
from sloengine.infrastructure.neo4j import open_neo4j
from sloengine.infrastructure.plain_json import dump_json, load_json
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource
from sloengine.infrastructure.queue.broker import redis_broker
from sloengine.infrastructure.queue.dramatiq_job_queue import DramatiqJobQueue
from sloengine.infrastructure.redis.connection import open_redis, ping
from sloengine.infrastructure.redis.event_stream import RedisEventStream
from sloengine.infrastructure.redis.locks import RedisLocks
from sloengine.infrastructure.redis.recommendation_cache import RedisRecommendationCache
from sloengine.infrastructure.tempo.journey_traces import TempoJourneyTraces
from sloengine.infrastructure.tempo.trace_latency import TempoTraceLatency


@dataclass(frozen=True, slots=True)
class UseCases:
    """One instance of each use case.

    ``telemetry_name``: what telemetry comes from, None when there is none. ``readiness``: per outside system
    (``neo4j``, ``redis``, ``telemetry`` when there is some) None when it answers, else what is wrong.
    """

    ingest_dependencies: IngestDependencies
    merge_ingestion: MergeIngestion
    resume_ingestions: ResumeIngestions
    discover_dependencies: DiscoverDependencies
    read_name_rules: ReadNameRules
    save_name_rules: SaveNameRules
    read_discovery_states: ReadDiscoveryStates
    enqueue_due_discoveries: EnqueueDueDiscoveries
    register_services: RegisterServices
    update_alert: UpdateAlert
    mark_stale: MarkStale
    detect_divergences: DetectDivergences
    read_divergences: ReadDivergences
    learn_pass_through: LearnPassThrough
    read_graph: ReadGraph
    aggregate_telemetry: AggregateTelemetry
    load_sli: LoadSli
    read_sli: ReadSli
    read_budget: ReadBudget
    note_budgets: NoteBudgets
    backtest_objective: BacktestObjective
    learn_priors: LearnPriors
    learn_calibration: LearnCalibration
    read_calibration: ReadCalibration
    read_organization: ReadOrganization
    prune_history: PruneHistory
    recommend: Recommend
    start_recommendation_job: StartRecommendationJob
    continue_recommendation_job: ContinueRecommendationJob
    resume_recommendation_jobs: ResumeRecommendationJobs
    refresh_recommendations: RefreshRecommendations
    read_recommendations: ReadRecommendations
    expire_recommendations: ExpireRecommendations
    accept_recommendation: AcceptRecommendation
    modify_recommendation: ModifyRecommendation
    reject_recommendation: RejectRecommendation
    set_slo: SetSlo
    read_ledger: ReadLedger
    relay_outbox: RelayOutbox
    detect_drift: DetectDrift
    reevaluate_drifted: ReevaluateDrifted
    read_drift: ReadDrift
    forecast_budgets: ForecastBudgets
    learn_forecast_levels: LearnForecastLevels
    watch_budgets: WatchBudgets
    save_journey: SaveJourney
    delete_journey: DeleteJourney
    read_journeys: ReadJourneys
    recommend_journeys: RecommendJourneys
    derive_journeys: DeriveJourneys
    journeys_hurt: JourneysHurt
    analyse_impact: AnalyseImpact
    tell_callers: TellCallers
    resume_telling: ResumeTelling
    analyse_graph: AnalyseGraph
    read_centrality: ReadCentrality
    explore_edits: ExploreEdits
    telemetry_name: str | None
    readiness: Callable[[], Awaitable[Mapping[str, str | None]]]


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


def wire(adapters: Adapters, engine: EngineSettings | None = None, risk: RiskThreshold | None = None) -> UseCases:
    """Every use case on these adapters."""
    a, engine = adapters, engine or EngineSettings()
    source_name = None if a.telemetry is None else a.telemetry.name
    condensing = Condensing(a.graph, a.clock)
    freshness = Freshness(a.sli_history, a.clock)
    snapshots = GraphSnapshots(a.graph)
    priors = CurrentPriors(a.priors, a.calibrations)
    evidence = EvidenceReader(
        snapshots,
        a.sli_history,
        a.ledger,
        priors,
        a.clock,
        a.drift,
        engine,
        source_name,
    )
    missing_hours = PullMissingHours(a.sli_history, a.telemetry, a.clock)
    save_journey = SaveJourney(a.graph, a.journeys, a.clock)
    recommend = Recommend(
        a.graph,
        a.recommendations,
        a.cache,
        evidence,
        missing_hours,
        freshness,
        a.clock,
        engine,
        a.shapley,
    )
    start_job = StartRecommendationJob(a.graph, a.recommendation_jobs, a.queue, a.clock)
    bases = ImpactBases(snapshots, a.sli_history, a.ledger, a.clock)
    deciding = Deciding(a.ledger, a.recommendations, a.graph, a.cache, a.queue, a.clock, WarnCallers(bases))
    judge = JudgeTargets(evidence, a.clock, engine)
    budgets = ReadBudget(a.sli_history, a.clock)
    forecasts = ForecastBudgets(a.sli_history, a.ledger, a.forecasts, priors, a.clock)
    discovery_states = ReadDiscoveryStates(a.discoveries, a.discovery, a.discover_every)
    ingest = IngestDependencies(a.ingestions, a.queue, a.clock, dump_json)
    return UseCases(
        ingest_dependencies=ingest,
        discover_dependencies=DiscoverDependencies(
            a.discoveries, a.discovery, a.graph, ingest, a.clock, a.missing_discoveries
        ),
        read_name_rules=ReadNameRules(a.discovery),
        save_name_rules=SaveNameRules(a.discovery, a.clock),
        merge_ingestion=MergeIngestion(
            a.ingestions, a.graph, a.cache, a.locks, condensing, a.clock, load_json, a.queue
        ),
        read_discovery_states=discovery_states,
        enqueue_due_discoveries=EnqueueDueDiscoveries(discovery_states, a.queue, a.clock),
        resume_ingestions=ResumeIngestions(a.ingestions, a.queue, a.clock),
        register_services=RegisterServices(a.graph, a.clock),
        update_alert=UpdateAlert(a.graph, a.clock),
        mark_stale=MarkStale(a.graph, a.cache, a.locks, condensing, a.clock),
        detect_divergences=DetectDivergences(a.divergences, a.locks, a.clock),
        read_divergences=ReadDivergences(a.divergences),
        learn_pass_through=LearnPassThrough(a.graph, a.sli_history, a.clock),
        read_graph=ReadGraph(a.graph, a.ingestions),
        aggregate_telemetry=AggregateTelemetry(
            a.graph, a.sli_history, a.telemetry, a.locks, a.clock, traces=a.traces
        ),
        load_sli=LoadSli(a.graph, a.sli_history, a.cache, a.clock),
        read_sli=ReadSli(a.sli_history, a.clock),
        read_budget=budgets,
        note_budgets=NoteBudgets(a.graph, a.ledger, budgets),
        backtest_objective=BacktestObjective(a.graph, a.sli_history, a.clock, engine.lookback_days),
        learn_priors=LearnPriors(
            a.sli_history, a.priors, a.clock, a.graph, a.grouping, engine.prior_lookback_days
        ),
        learn_calibration=LearnCalibration(a.graph, a.sli_history, a.calibrations, a.clock, engine, a.grouping),
        read_calibration=ReadCalibration(a.calibrations),
        read_organization=ReadOrganization(a.overviews, ReadCalibration(a.calibrations), a.clock),
        prune_history=PruneHistory(a.sli_history, a.clock),
        recommend=recommend,
        start_recommendation_job=start_job,
        refresh_recommendations=RefreshRecommendations(a.recommendations, start_job, a.clock),
        continue_recommendation_job=ContinueRecommendationJob(a.recommendation_jobs, recommend, a.queue, a.locks),
        resume_recommendation_jobs=ResumeRecommendationJobs(a.recommendation_jobs, a.queue, a.clock),
        read_recommendations=ReadRecommendations(
            a.recommendations, a.recommendation_jobs, a.cache, freshness, a.clock
        ),
        expire_recommendations=ExpireRecommendations(a.recommendations, a.cache, a.clock),
        accept_recommendation=AcceptRecommendation(deciding),
        modify_recommendation=ModifyRecommendation(deciding, judge),
        reject_recommendation=RejectRecommendation(deciding),
        set_slo=SetSlo(deciding, judge),
        read_ledger=ReadLedger(a.ledger),
        relay_outbox=RelayOutbox(a.outbox, a.stream),
        detect_drift=DetectDrift(a.graph, a.sli_history, a.drift, RiverChangeDetectors(), a.locks),
        reevaluate_drifted=ReevaluateDrifted(a.drift, a.graph, a.recommendations, recommend, a.clock),
        read_drift=ReadDrift(a.drift, a.sli_history),
        forecast_budgets=forecasts,
        learn_forecast_levels=LearnForecastLevels(
            a.graph, a.sli_history, a.ledger, a.forecasts, a.clock, engine.prior_lookback_days
        ),
        watch_budgets=WatchBudgets(a.graph, a.ledger, forecasts, a.forecasts, a.clock, risk or RiskThreshold()),
        save_journey=save_journey,
        delete_journey=DeleteJourney(a.graph, a.journeys),
        read_journeys=ReadJourneys(a.journeys),
        recommend_journeys=RecommendJourneys(evidence, missing_hours, freshness, a.clock, engine),
        journeys_hurt=JourneysHurt(a.journeys, bases),
        derive_journeys=DeriveJourneys(
            snapshots, a.journeys, save_journey, a.clock, a.discovery, a.journey_traces
        ),
        analyse_impact=AnalyseImpact(bases),
        tell_callers=TellCallers(bases, a.ledger, a.outbox, a.clock),
        resume_telling=ResumeTelling(a.outbox, a.queue, a.clock),
        analyse_graph=AnalyseGraph(a.graph, a.centrality, a.locks, a.clock),
        read_centrality=ReadCentrality(a.centrality),
        explore_edits=ExploreEdits(evidence, a.clock, engine),
        telemetry_name=source_name,
        readiness=a.readiness,
    )


@asynccontextmanager
async def open_use_cases(settings: Settings) -> AsyncGenerator[UseCases]:
    """Connect to everything that the settings name; connections belong to the event loop that opens them.

    Nothing is asked of Neo4j or Redis before the first call, so a process starts while they are on their way.
    Raises ``Unavailable`` when the settings name none.
    """
    url, user, password = settings.required_neo4j()
    redis_url = settings.required_redis_url()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_neo4j(url, user, password, database=settings.neo4j_database))
        redis = await stack.enter_async_context(open_redis(redis_url))
        broker = redis_broker(redis_url)
        stack.callback(broker.client.close)

        async def name_rules() -> NameRules | None:
            saved = await stores.discovery.name_rules()
            return None if saved is None else saved.rules

        telemetry = await _telemetry(settings, clock, name_rules, stores.discovery.remembered_names, stack)

        async def readiness() -> Mapping[str, str | None]:
            neo4j_says, redis_says = await asyncio.gather(
                _problem(stores.connection.check()), _problem(ping(redis))
            )
            found = {"neo4j": neo4j_says, "redis": redis_says}
            if telemetry is not None and neo4j_says is None:
                found["telemetry"] = await _last_pull(stores.sli_history)
            return found

        yield wire(
            Adapters(
                graph=stores.graph,
                ingestions=stores.ingestions,
                sli_history=stores.sli_history,
                recommendations=stores.recommendations,
                recommendation_jobs=stores.recommendation_jobs,
                priors=stores.priors,
                calibrations=stores.calibrations,
                ledger=stores.ledger,
                outbox=stores.outbox,
                drift=stores.drift,
                forecasts=stores.forecasts,
                divergences=stores.divergences,
                discovery=stores.discovery,
                overviews=stores.overviews,
                journeys=stores.journeys,
                centrality=stores.centrality,
                cache=RedisRecommendationCache(redis, engine_version=__version__),
                locks=RedisLocks(redis),
                stream=RedisEventStream(redis),
                queue=DramatiqJobQueue(broker),
                clock=clock,
                telemetry=telemetry,
                shapley=ShapValues(),
                grouping=SilhouetteGroups(),
                readiness=readiness,
                traces=_traces(settings, stack),
                journey_traces=_journey_traces(settings, stack),
                discoveries=[
                    *configured_discoveries(settings, telemetry, stack),
                    *platforms(settings, stack),
                ],
                missing_discoveries={**MISSING_DISCOVERIES, **MISSING_PLATFORMS},
                discover_every=settings.discover_every(),
            ),
            risk=RiskThreshold(settings.at_risk_probability),
        )


def _traces(settings: Settings, stack: AsyncExitStack) -> TraceLatency | None:
    if not settings.tempo_url:
        return None
    tempo = TempoTraceLatency(settings.tempo_url, settings.tempo_headers())
    stack.push_async_callback(tempo.close)
    return tempo


def _journey_traces(settings: Settings, stack: AsyncExitStack) -> JourneyTraces | None:
    if not settings.tempo_url:
        return None
    tempo = TempoJourneyTraces(settings.tempo_url, settings.tempo_headers())
    stack.push_async_callback(tempo.close)
    return tempo


async def _telemetry(
    settings: Settings,
    clock: Clock,
    rules: Callable[[], Awaitable[NameRules | None]],
    remembered: Callable[[], Awaitable[RememberedNames]],
    stack: AsyncExitStack,
) -> TelemetrySource | None:
    match settings.telemetry_kind:
        case TelemetryKind.SAMPLE:
            # Imported here, because the simulator takes long to load and only a demonstration needs it.
            from sloengine.infrastructure.sample.telemetry_source import SampleTelemetrySource  # noqa: PLC0415

            return await asyncio.to_thread(SampleTelemetrySource, clock, seed=settings.sample_seed)
        case TelemetryKind.PROMETHEUS:
            client = PrometheusClient(settings.prometheus_url or "", settings.prometheus_headers())
            stack.push_async_callback(client.close)
            return PrometheusTelemetrySource(
                client,
                clock.now,
                throttling_label=settings.throttling_label,
                rules=rules,
                remembered=remembered,
            )
        case TelemetryKind.NONE:
            return None


async def _last_pull(history: SliHistory) -> str | None:
    """What was wrong with the last pull of telemetry: asking the source itself would cost it at every probe."""
    try:
        return (await history.watermark()).last_error
    except Unavailable as error:
        return error.message


async def _problem(check: Awaitable[object]) -> str | None:
    try:
        await check
    except Unavailable as error:
        return error.message
    return None
