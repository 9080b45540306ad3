"""The composition root: every use case, wired to its adapters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sloengine.application.governance.accept_recommendation import AcceptRecommendation
from sloengine.application.governance.modify_recommendation import ModifyRecommendation
from sloengine.application.governance.read_ledger import ReadLedger
from sloengine.application.governance.reject_recommendation import RejectRecommendation
from sloengine.application.governance.relay_outbox import RelayOutbox
from sloengine.application.governance.set_slo import SetSlo
from sloengine.application.recommendation.expire_recommendations import ExpireRecommendations
from sloengine.application.recommendation.read_recommendations import ReadRecommendations
from sloengine.application.recommendation.recommend import Recommend
from sloengine.application.recommendation.recommendation_job import (
    ContinueRecommendationJob,
    StartRecommendationJob,
)
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetry
from sloengine.application.telemetry.learn_priors import LearnPriors
from sloengine.application.telemetry.load_sli import LoadSli
from sloengine.application.telemetry.prune_history import PruneHistory
from sloengine.application.telemetry.read_sli import ReadSli
from sloengine.application.topology.ingest_dependencies import IngestDependencies
from sloengine.application.topology.mark_stale import MarkStale
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.application.topology.read_graph import ReadGraph
from sloengine.application.topology.register_services import RegisterServices
from sloengine.application.topology.resume_ingestions import ResumeIngestions
from sloengine.application.topology.update_alert import UpdateAlert
from sloengine.bootstrap.settings import Settings


@dataclass(frozen=True, slots=True)
class UseCases:
    """One instance of each use case.

    ``telemetry_name``: what telemetry comes from, None when there is none. ``readiness``: per outside system
    (``neo4j``, ``redis``) None when it answers, else what is wrong.
    """

    ingest_dependencies: IngestDependencies
    merge_ingestion: MergeIngestion
    resume_ingestions: ResumeIngestions
    register_services: RegisterServices
    update_alert: UpdateAlert
    mark_stale: MarkStale
    read_graph: ReadGraph
    aggregate_telemetry: AggregateTelemetry
    load_sli: LoadSli
    read_sli: ReadSli
    learn_priors: LearnPriors
    prune_history: PruneHistory
    recommend: Recommend
    start_recommendation_job: StartRecommendationJob
    continue_recommendation_job: ContinueRecommendationJob
    read_recommendations: ReadRecommendations
    expire_recommendations: ExpireRecommendations
    accept_recommendation: AcceptRecommendation
    modify_recommendation: ModifyRecommendation
    reject_recommendation: RejectRecommendation
    set_slo: SetSlo
    read_ledger: ReadLedger
    relay_outbox: RelayOutbox
    telemetry_name: str | None
    readiness: Callable[[], Awaitable[Mapping[str, str | None]]]


@asynccontextmanager
async def open_use_cases(settings: Settings) -> AsyncGenerator[UseCases]:
    """Connect to everything that the settings name; connections belong to the event loop that opens them."""
    if settings:
        raise NotImplementedError
    yield
