"""A recommendation of usual size, as values; nothing is computed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sloengine.domain.recommendation.model import (
    BoundContribution,
    CompositeBound,
    DataQuality,
    ErrorBudget,
    Interval,
    ObjectiveKind,
    Provenance,
    Recommendation,
    SliType,
    TargetLimit,
    TargetLimitedBy,
    Tier,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.replayed import Backtest, BacktestPoint
from sloengine.domain.reliability.window import ComplianceWindow


def sample_recommendation(service_id: str, *, at: datetime, series_days: int = 62) -> Recommendation:
    """Three availability tiers with a replay of ``series_days`` rolling windows, five dependencies."""
    at = at.astimezone(UTC)
    series = tuple(
        BacktestPoint(
            from_at=at - timedelta(days=28 + day),
            to_at=at - timedelta(days=day),
            met=True,
            budget_remaining=0.6,
            availability_ratio=0.9998,
        )
        for day in range(series_days, 0, -1)
    )
    replay = Backtest(windows=3, met=3, worst=series[0] if series else None, series=series)
    tiers = tuple(
        Tier(
            name=name,
            nominal_probability=probability,
            targets=(
                TierTarget(
                    kind=ObjectiveKind.AVAILABILITY,
                    probability_met=probability + 0.004,
                    interval=Interval(0.9989, 0.99997),
                    data_only_probability=0.75,
                    availability_ratio=target,
                    error_budget=ErrorBudget(minutes=(1 - target) * 28 * 1440, requests=(1 - target) * 9_000_000),
                    limited_by=(
                        TargetLimitedBy(TargetLimit.DEPENDENCY_OBSERVED, "orders-db was down twice", "orders-db"),
                        TargetLimitedBy(TargetLimit.ROUNDING, "rounded down from 99.963"),
                    ),
                    backtest=replay,
                ),
            ),
        )
        for name, probability, target in (
            (TierName.CONSERVATIVE, 0.98, 0.999),
            (TierName.BALANCED, 0.92, 0.9995),
            (TierName.AGGRESSIVE, 0.80, 0.9997),
        )
    )
    bound = CompositeBound(
        observed_ratio=0.99962,
        independent_ratio=0.99955,
        intrinsic_ratio=0.99991,
        promised_ratio=0.9981,
        contributions=tuple(
            BoundContribution(f"dependency-{n}", share_ratio=0.2, budget_minutes=4.0 - n / 2, one_more_nine=n > 2)
            for n in range(5)
        ),
        assumptions=("call weight of checkout → search is not known; treated as 1",),
    )
    return Recommendation(
        service_id=service_id,
        sli_type=SliType.AVAILABILITY,
        window=ComplianceWindow.ROLLING_28D,
        tiers=tiers,
        data_quality=DataQuality(89.0, 0.998, 27_400_000.0, cold_start=False, warnings=("2 h missing",)),
        confidence=0.82,
        summary="99.95 % will hold in 12 of 13 windows; orders-db is what limits it.",
        engine_version="0.1.0",
        generated_at=at,
        expires_at=at + timedelta(days=14),
        provenance=Provenance(at - timedelta(days=90), at, ("sum by (service) (…)",), 7, "5eed", "d1gest"),
        bound=bound,
        recommendation_id=f"recommendation-{service_id}",
        graph_version=7,
    )
