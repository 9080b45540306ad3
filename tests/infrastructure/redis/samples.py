from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sloengine.domain.recommendation.model import (
    DataQuality,
    Interval,
    ObjectiveKind,
    Provenance,
    Recommendation,
    RecommendationUnavailable,
    SliType,
    Tier,
    TierName,
    TierTarget,
    UnavailableReason,
)
from sloengine.domain.reliability.window import ComplianceWindow

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def recommendation(service_id: str, sli_type: SliType = SliType.AVAILABILITY) -> Recommendation:
    kind = ObjectiveKind.AVAILABILITY if sli_type is SliType.AVAILABILITY else ObjectiveKind.LATENCY_P99
    target = TierTarget(
        kind,
        0.98,
        Interval(0.99, 0.9995),
        0.75,
        availability_ratio=0.999 if sli_type is SliType.AVAILABILITY else None,
        threshold_ms=250.0 if sli_type is SliType.LATENCY else None,
    )
    return Recommendation(
        service_id=service_id,
        sli_type=sli_type,
        window=ComplianceWindow.ROLLING_28D,
        tiers=tuple(Tier(name, 0.98, (target,)) for name in TierName),
        data_quality=DataQuality(90.0, 0.998, 1_234_567.0, cold_start=False, warnings=("one hour is missing",)),
        confidence=0.8,
        summary="a summary with ünïcode",
        engine_version="0.1.0",
        generated_at=NOW,
        expires_at=NOW + timedelta(days=14),
        provenance=Provenance(NOW - timedelta(days=90), NOW, ("up",), 3, "ab", "cd"),
        recommendation_id=f"r-{service_id}",
        graph_version=3,
    )


def unavailable(service_id: str) -> RecommendationUnavailable:
    return RecommendationUnavailable(
        service_id, SliType.AVAILABILITY, UnavailableReason.NO_DATA, "no request on record"
    )
