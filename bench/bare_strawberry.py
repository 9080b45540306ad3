# ruff: noqa: D101, D102  (types that mirror the API's own, which are described there)
"""A bare Strawberry app that answers the same payload from memory: what the API's own work is measured against."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from bench.sample_recommendation import sample_recommendation
from sloengine.domain.recommendation import model
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    RecommendationStatus,
    SliType,
    TargetLimit,
    TierName,
)
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

for enum in (SliType, TierName, ObjectiveKind, TargetLimit, RecommendationStatus, ComplianceWindow):
    strawberry.enum(enum)


@strawberry.type
class Interval:
    low: float
    high: float
    level: float


@strawberry.type
class ErrorBudget:
    minutes: float
    requests: float | None


@strawberry.type
class TargetLimitedBy:
    limit: TargetLimit
    message: str


@strawberry.type
class Backtest:
    windows: int
    met: int


@strawberry.type
class TierTarget:
    kind: ObjectiveKind
    availability_percent: float | None
    threshold_ms: float | None
    probability_met: float
    data_only_probability: float
    interval: Interval
    error_budget: ErrorBudget | None
    limited_by: list[TargetLimitedBy]
    backtest: Backtest | None


@strawberry.type
class Tier:
    name: TierName
    targets: list[TierTarget]


@strawberry.type
class Contradiction:
    message: str


@strawberry.type
class BoundContribution:
    service: Service
    share_percent: float
    budget_minutes: float


@strawberry.type
class CompositeBound:
    observed_percent: float
    independent_percent: float
    intrinsic_percent: float
    promised_percent: float | None
    contributions: list[BoundContribution]
    contradictions: list[Contradiction]
    assumptions: list[str]


@strawberry.type
class DataQuality:
    days_of_history: float
    completeness: float
    sample_count: float
    cold_start: bool
    archetype: str | None
    warnings: list[str]


@strawberry.type
class Recommendation:
    summary: str
    status: RecommendationStatus
    window: ComplianceWindow
    confidence: float
    is_stale: bool
    tiers: list[Tier]
    bound: CompositeBound | None
    data_quality: DataQuality
    generated_at: datetime
    expires_at: datetime


@strawberry.type
class RecommendationUnavailable:
    reason: str
    message: str


RecommendationResult = Annotated[
    Recommendation | RecommendationUnavailable, strawberry.union("RecommendationResult")
]


@strawberry.type
class Service:
    service_id: str

    @strawberry.field
    def recommendation(self, sli_type: SliType) -> RecommendationResult:
        return IN_MEMORY[self.service_id]


@strawberry.input
class ServiceBy:
    service_id: str | None = None


@strawberry.type
class Query:
    @strawberry.field
    def service(self, by: ServiceBy) -> Service | None:
        return Service(service_id=by.service_id or "")


def shown(found: model.Recommendation) -> Recommendation:
    """The values that the query asks for."""
    bound, quality = found.bound, found.data_quality
    if bound is None:
        raise AssertionError("the sample has a bound")
    return Recommendation(
        summary=found.summary,
        status=found.status,
        window=found.window,
        confidence=found.confidence,
        is_stale=found.is_stale,
        tiers=[Tier(name=tier.name, targets=[_target(target) for target in tier.targets]) for tier in found.tiers],
        bound=CompositeBound(
            observed_percent=percent_from_ratio(bound.observed_ratio),
            independent_percent=percent_from_ratio(bound.independent_ratio),
            intrinsic_percent=percent_from_ratio(bound.intrinsic_ratio),
            promised_percent=percent_from_ratio(bound.promised_ratio or 0),
            contributions=[
                BoundContribution(
                    service=Service(service_id=part.service_id),
                    share_percent=percent_from_ratio(part.share_ratio),
                    budget_minutes=part.budget_minutes,
                )
                for part in bound.contributions
            ],
            contradictions=[],
            assumptions=list(bound.assumptions),
        ),
        data_quality=DataQuality(
            days_of_history=quality.days_of_history,
            completeness=quality.completeness,
            sample_count=quality.sample_count,
            cold_start=quality.cold_start,
            archetype=quality.archetype,
            warnings=list(quality.warnings),
        ),
        generated_at=found.generated_at,
        expires_at=found.expires_at,
    )


def _target(target: model.TierTarget) -> TierTarget:
    budget, replay = target.error_budget, target.backtest
    return TierTarget(
        kind=target.kind,
        availability_percent=percent_from_ratio(target.availability_ratio or 0),
        threshold_ms=target.threshold_ms,
        probability_met=target.probability_met,
        data_only_probability=target.data_only_probability,
        interval=Interval(
            low=percent_from_ratio(target.interval.low),
            high=percent_from_ratio(target.interval.high),
            level=target.interval.level,
        ),
        error_budget=None if budget is None else ErrorBudget(minutes=budget.minutes, requests=budget.requests),
        limited_by=[TargetLimitedBy(limit=found.limit, message=found.message) for found in target.limited_by],
        backtest=None if replay is None else Backtest(windows=replay.windows, met=replay.met),
    )


IN_MEMORY: dict[str, Recommendation] = {}


def create_app() -> Any:
    """Factory for uvicorn. ``BENCH_AT``: the time of the sample; ``BENCH_CACHES=1``: documents parsed once."""
    at = datetime.fromtimestamp(float(os.environ["BENCH_AT"]), UTC)
    for n in range(int(os.environ["BENCH_SERVICES"])):
        IN_MEMORY[f"service-{n}"] = shown(sample_recommendation(f"service-{n}", at=at))
    extensions = [ParserCache, ValidationCache] if os.environ.get("BENCH_CACHES") == "1" else []
    schema = strawberry.Schema(Query, extensions=extensions)
    return GraphQL(schema)
