"""What is asked of the recommendation mathematics for one service, taken from the evidence."""

from __future__ import annotations

from datetime import datetime

from sloengine.application.recommendation.drawn_bound import DrawnBound, predictive_draws
from sloengine.application.recommendation.evidence import DEPTH, Evidence
from sloengine.application.recommendation.prepared import Draws, Prepared
from sloengine.domain.recommendation.behaviour_change import still_slow
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.recommendation.recommend import (
    AvailabilityRequest,
    BoundForTiers,
    EngineSettings,
    LatencyRequest,
)
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.composite_bound import composite_bound


def availability_request(
    prepared: Prepared,
    service_id: str,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Recommendation | None = None,
) -> AvailabilityRequest:
    """One service's availability; the draws it leads to are kept for its callers."""
    evidence = prepared.evidence

    def remember(draws: Draws) -> None:
        prepared.draws[service_id, window] = draws

    return AvailabilityRequest(
        service_id=service_id,
        window=window,
        as_of=evidence.as_of,
        panel=prepared.panel_of(service_id),
        now=now,
        bound=_bound(prepared, service_id, window, now, settings),
        graph_version=evidence.graph_version,
        findings=prepared.findings,
        queries=_queries(evidence),
        previous=previous,
        changed=evidence.changes.get((service_id, SliType.AVAILABILITY)),
        on_predicted=remember,
    )


def latency_request(
    prepared: Prepared,
    service_id: str,
    window: ComplianceWindow,
    now: datetime,
    previous: Recommendation | None = None,
) -> LatencyRequest:
    """One service's latency."""
    evidence = prepared.evidence
    return LatencyRequest(
        service_id=service_id,
        window=window,
        as_of=evidence.as_of,
        history=evidence.latency.get(service_id),
        now=now,
        throttled_ratio=evidence.throttled.get(service_id),
        traced_p99=evidence.traced_p99.get(service_id),
        graph_version=evidence.graph_version,
        findings=prepared.findings,
        queries=_queries(evidence),
        previous=previous,
        changed=still_slow(evidence.changes.get((service_id, SliType.LATENCY)), evidence.latency.get(service_id)),
        waits_for={
            name: evidence.latency[name]
            for name in evidence.graph.waited_for([service_id])
            if name in evidence.latency and name != service_id
        },
    )


def _bound(
    prepared: Prepared, service_id: str, window: ComplianceWindow, now: datetime, settings: EngineSettings
) -> BoundForTiers | None:
    if service_id not in prepared.evidence.graph.index:
        return None
    result = composite_bound(
        prepared.reliability,
        service_id,
        max_depth=DEPTH,
        window=window.length,
        promises=prepared.evidence.promises,
    )
    return DrawnBound(service_id, result, lambda wanted: predictive_draws(prepared, wanted, window, now, settings))


def _queries(evidence: Evidence) -> tuple[str, ...]:
    return () if evidence.source is None else (f"hourly sums pulled from {evidence.source}",)
