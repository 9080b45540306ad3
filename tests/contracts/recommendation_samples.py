"""Recommendations for the contract tests, every optional part filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sloengine.domain.governance.model import Slo, SloSource, SloTarget
from sloengine.domain.recommendation.model import (
    Attribution,
    BoundContribution,
    CompositeBound,
    Contradiction,
    Counterfactual,
    DataQuality,
    ErrorBudget,
    Estimate,
    Explanation,
    Interval,
    ObjectiveKind,
    Provenance,
    RatioObjective,
    Recommendation,
    RecommendationUnavailable,
    SliType,
    TargetLimit,
    TargetLimitedBy,
    Tier,
    TierName,
    TierTarget,
    UnavailableReason,
)
from sloengine.domain.recommendation.replayed import Backtest, BacktestPoint
from sloengine.domain.reliability.window import ComplianceWindow

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def availability(service_id: str = "a", **what: Any) -> Recommendation:
    """An availability recommendation without an id."""
    point = BacktestPoint(NOW - timedelta(days=28), NOW, True, 0.4, availability_ratio=0.9997)

    def tier(name: TierName, probability: float, ratio: float) -> Tier:
        target = TierTarget(
            kind=ObjectiveKind.AVAILABILITY,
            probability_met=probability,
            interval=Interval(0.999, float("inf") if name is TierName.AGGRESSIVE else 0.9999),
            data_only_probability=0.75,
            availability_ratio=ratio,
            error_budget=ErrorBudget(40.32, None),
            limited_by=(TargetLimitedBy(TargetLimit.DEPENDENCY_OBSERVED, "db limits it", "db"),),
            backtest=Backtest(3, 3, point, (point, replace(point, met=False))),
        )
        return Tier(name, probability, (target,))

    recommendation = Recommendation(
        service_id=service_id,
        sli_type=SliType.AVAILABILITY,
        window=ComplianceWindow.ROLLING_28D,
        tiers=(
            tier(TierName.CONSERVATIVE, 0.98, 0.999),
            tier(TierName.BALANCED, 0.92, 0.9993),
            Tier(TierName.AGGRESSIVE, 0.8, (), "the data do not carry it"),
        ),
        data_quality=DataQuality(89.5, 0.99, 1_000_000.0, False, "web", 0.25, ("thin at night",)),
        confidence=0.8,
        summary="99.9 % holds.",
        engine_version="0.1.0",
        generated_at=NOW,
        expires_at=NOW + timedelta(days=14),
        provenance=Provenance(NOW - timedelta(days=90), NOW, ("up",), 7, "seed", "digest"),
        bound=CompositeBound(
            0.9995,
            0.9994,
            0.9999,
            0.999,
            (BoundContribution("db", 0.7, 12.5, False, 0.0004),),
            (Contradiction("a", "cache", 1.0, Estimate(0.1, 0.0, 0.2), "cache failures do not arrive"),),
            ("call weight of a->db: 1",),
        ),
        graph_version=7,
        review_at=NOW + timedelta(days=30),
        explanation=Explanation(
            tier=TierName.BALANCED,
            kind=ObjectiveKind.AVAILABILITY,
            unit="percent",
            reference="a usual service",
            reference_value=99.9,
            unrounded_value=99.934,
            target_value=99.93,
            attributions=(
                Attribution("own reliability", 0.04),
                Attribution("dependency", -0.006, "db"),
                Attribution("rounding", -0.004),
            ),
            counterfactuals=(
                Counterfactual("Even if db never failed, …", 99.94, False, "db", 99.9, 100.0),
                Counterfactual("One nine less", 99.3, True),
            ),
            summary="The balanced target is 99.93 %.",
        ),
    )
    return replace(recommendation, **what)


def latency(service_id: str = "a", **what: Any) -> Recommendation:
    """A latency recommendation without an id."""

    def target(kind: ObjectiveKind, threshold_ms: float) -> TierTarget:
        return TierTarget(
            kind=kind,
            probability_met=0.93,
            interval=Interval(200.0, float("inf")),
            data_only_probability=0.75,
            threshold_ms=threshold_ms,
            ratio_objective=RatioObjective(300.0, 0.95, 0.002, "coarse buckets"),
        )

    targets = (target(ObjectiveKind.LATENCY_P95, 250.0), target(ObjectiveKind.LATENCY_P99, 900.0))
    tiers = tuple(Tier(name, 0.9, targets) for name in TierName)
    return availability(service_id, sli_type=SliType.LATENCY, tiers=tiers, bound=None, **what)


def unavailable(service_id: str = "a", sli_type: SliType = SliType.AVAILABILITY) -> RecommendationUnavailable:
    return RecommendationUnavailable(service_id, sli_type, UnavailableReason.NO_DATA, "no data: send some", NOW)


def slo(slo_id: str, service_id: str = "a", ratio: float = 0.999, **what: Any) -> Slo:
    plain = Slo(
        slo_id=slo_id,
        service_id=service_id,
        sli_type=SliType.AVAILABILITY,
        window=ComplianceWindow.ROLLING_28D,
        targets=(SloTarget(ObjectiveKind.AVAILABILITY, ratio),),
        source=SloSource.ACCEPTED,
        activated_at=NOW,
        activated_by="user:a",
    )
    return replace(plain, **what)
