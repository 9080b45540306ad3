"""The composition root: every use case, wired to its adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.accuracy.learn_calibration import LearnCalibration
from sloengine.application.accuracy.read_calibration import ReadCalibration
from sloengine.application.accuracy.read_organization import ReadOrganization
from sloengine.application.drift.detect_drift import DetectDrift
from sloengine.application.drift.find_shared_causes import FindSharedCauses
from sloengine.application.drift.read_drift import ReadDrift
from sloengine.application.drift.reevaluate_drifted import ReevaluateDrifted
from sloengine.application.events.feed import EventFeed
from sloengine.application.events.follow_events import FollowEvents
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
from sloengine.application.impact.keep_impact_ready import KeepImpactReady
from sloengine.application.impact.resume_telling import ResumeTelling
from sloengine.application.impact.tell_callers import TellCallers
from sloengine.application.impact.warn_callers import WarnCallers
from sloengine.application.journeys.delete_journey import DeleteJourney
from sloengine.application.journeys.derive_journeys import DeriveJourneys
from sloengine.application.journeys.journeys_hurt import JourneysHurt
from sloengine.application.journeys.read_journeys import ReadJourneys
from sloengine.application.journeys.recommend_journeys import RecommendJourneys
from sloengine.application.journeys.save_journey import SaveJourney
from sloengine.application.journeys.save_journeys import SaveJourneys
from sloengine.application.recommendation.backtest_objective import BacktestObjective
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.expire_recommendations import ExpireRecommendations
from sloengine.application.recommendation.forget_recommendation_jobs import ForgetRecommendationJobs
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
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.ingest_dependencies import IngestDependencies
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.application.topology.mark_stale import MarkStale
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.application.topology.name_rules import ReadNameRules, SaveNameRules
from sloengine.application.topology.read_divergences import ReadDivergences
from sloengine.application.topology.read_graph import ReadGraph
from sloengine.application.topology.register_services import RegisterServices
from sloengine.application.topology.remembered_names import DecideName, ReadRememberedNames
from sloengine.application.topology.resume_ingestions import ResumeIngestions
from sloengine.application.topology.scheduled_discovery import EnqueueDueDiscoveries, ReadDiscoveryStates
from sloengine.application.topology.update_alert import UpdateAlert
from sloengine.application.what_if.explore_edits import ExploreEdits
from sloengine.bootstrap.adapters import Adapters
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors
from sloengine.infrastructure.plain_json import dump_json, load_json


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
    read_remembered_names: ReadRememberedNames
    decide_name: DecideName
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
    forget_recommendation_jobs: ForgetRecommendationJobs
    accept_recommendation: AcceptRecommendation
    modify_recommendation: ModifyRecommendation
    reject_recommendation: RejectRecommendation
    set_slo: SetSlo
    read_ledger: ReadLedger
    relay_outbox: RelayOutbox
    follow_events: FollowEvents
    detect_drift: DetectDrift
    reevaluate_drifted: ReevaluateDrifted
    read_drift: ReadDrift
    forecast_budgets: ForecastBudgets
    learn_forecast_levels: LearnForecastLevels
    watch_budgets: WatchBudgets
    save_journey: SaveJourney
    save_journeys: SaveJourneys
    delete_journey: DeleteJourney
    read_journeys: ReadJourneys
    recommend_journeys: RecommendJourneys
    derive_journeys: DeriveJourneys
    journeys_hurt: JourneysHurt
    analyse_impact: AnalyseImpact
    keep_impact_ready: KeepImpactReady
    tell_callers: TellCallers
    resume_telling: ResumeTelling
    analyse_graph: AnalyseGraph
    read_centrality: ReadCentrality
    explore_edits: ExploreEdits
    telemetry_name: str | None
    readiness: Callable[[], Awaitable[Mapping[str, str | None]]]


def wire(adapters: Adapters, engine: EngineSettings | None = None, risk: RiskThreshold | None = None) -> UseCases:
    """Every use case on these adapters."""
    a, engine = adapters, engine or EngineSettings()
    source_name = None if a.telemetry is None else a.telemetry.name
    condensing = Condensing(a.graph, a.clock)
    freshness = Freshness(a.sli_history, a.clock)
    snapshots = GraphSnapshots(a.graph)
    findings = LearntFindings(a.graph, timedelta(days=engine.lookback_days))
    priors = CurrentPriors(a.priors, a.calibrations)
    missing_hours = PullMissingHours(a.sli_history, a.telemetry, a.clock)
    evidence = EvidenceReader(
        snapshots,
        a.sli_history,
        a.ledger,
        priors,
        a.clock,
        a.drift,
        findings,
        engine,
        source_name,
        hours_filled=lambda: missing_hours.filled,
    )
    save_journeys = SaveJourneys(a.graph, a.journeys, a.clock)
    save_journey = SaveJourney(save_journeys)
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
    bases = ImpactBases(snapshots, a.sli_history, a.ledger, findings, a.clock)
    deciding = Deciding(a.ledger, a.recommendations, a.graph, a.cache, a.queue, a.clock, WarnCallers(bases))
    judge = JudgeTargets(evidence, a.clock, engine)
    budgets = ReadBudget(a.sli_history, a.clock)
    forecasts = ForecastBudgets(a.sli_history, a.ledger, a.forecasts, priors, a.clock)
    discovery_states = ReadDiscoveryStates(a.discoveries, a.discovery, a.discover_every)
    ingest = IngestDependencies(a.ingestions, a.queue, a.clock, dump_json, a.teams)
    return UseCases(
        ingest_dependencies=ingest,
        discover_dependencies=DiscoverDependencies(
            a.discoveries, a.discovery, a.graph, ingest, a.clock, a.missing_discoveries
        ),
        read_name_rules=ReadNameRules(a.discovery),
        save_name_rules=SaveNameRules(a.discovery, a.clock),
        read_remembered_names=ReadRememberedNames(a.discovery),
        decide_name=DecideName(a.discovery, a.clock),
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
        learn_pass_through=LearnPassThrough(a.graph, a.sli_history, a.clock, engine.lookback_days),
        read_graph=ReadGraph(a.graph, a.ingestions),
        aggregate_telemetry=AggregateTelemetry(
            a.graph, a.sli_history, a.telemetry, a.locks, a.clock, traces=a.traces
        ),
        load_sli=LoadSli(a.graph, a.sli_history, a.cache, a.clock, is_beside_source=a.telemetry is not None),
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
        forget_recommendation_jobs=ForgetRecommendationJobs(a.recommendation_jobs, a.clock),
        accept_recommendation=AcceptRecommendation(deciding),
        modify_recommendation=ModifyRecommendation(deciding, judge),
        reject_recommendation=RejectRecommendation(deciding),
        set_slo=SetSlo(deciding, judge),
        read_ledger=ReadLedger(a.ledger),
        relay_outbox=RelayOutbox(a.outbox, a.stream),
        follow_events=FollowEvents(EventFeed(a.event_log, a.stream), a.graph),
        detect_drift=DetectDrift(a.graph, a.sli_history, a.drift, RiverChangeDetectors(), a.locks),
        reevaluate_drifted=ReevaluateDrifted(
            a.drift, a.graph, a.recommendations, recommend, FindSharedCauses(a.drift, a.graph), a.clock
        ),
        read_drift=ReadDrift(a.drift, a.sli_history, FindSharedCauses(a.drift, a.graph), a.clock),
        forecast_budgets=forecasts,
        learn_forecast_levels=LearnForecastLevels(
            a.graph, a.sli_history, a.ledger, a.forecasts, a.clock, engine.prior_lookback_days
        ),
        watch_budgets=WatchBudgets(a.graph, a.ledger, forecasts, a.forecasts, a.clock, risk or RiskThreshold()),
        save_journey=save_journey,
        save_journeys=save_journeys,
        delete_journey=DeleteJourney(a.graph, a.journeys),
        read_journeys=ReadJourneys(a.journeys),
        recommend_journeys=RecommendJourneys(evidence, missing_hours, freshness, a.clock, engine),
        journeys_hurt=JourneysHurt(a.journeys, bases),
        derive_journeys=DeriveJourneys(
            snapshots, a.journeys, save_journey, a.clock, a.discovery, a.journey_traces
        ),
        analyse_impact=AnalyseImpact(bases),
        keep_impact_ready=KeepImpactReady(bases),
        tell_callers=TellCallers(bases, a.ledger, a.outbox, a.clock),
        resume_telling=ResumeTelling(a.outbox, a.queue, a.clock),
        analyse_graph=AnalyseGraph(a.graph, a.centrality, a.locks, a.clock),
        read_centrality=ReadCentrality(a.centrality),
        explore_edits=ExploreEdits(evidence, a.clock, engine),
        telemetry_name=source_name,
        readiness=a.readiness,
    )
