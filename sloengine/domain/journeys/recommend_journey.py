"""SLO tiers of a journey, by the machinery that serves services, from the journey's own composed series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from sloengine.domain.journeys.composite import JourneyComposite, series_id_of
from sloengine.domain.journeys.entry_latency import entry_latency
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.route_latency import route_latency
from sloengine.domain.recommendation.model import (
    BoundContribution,
    CompositeBound,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    UnavailableReason,
)
from sloengine.domain.recommendation.recommend import (
    AvailabilityRequest,
    EngineSettings,
    LatencyPrior,
    LatencyRequest,
    OrganizationPrior,
    TelemetryFindings,
    recommend_availability,
    recommend_latency,
)
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph


@dataclass(frozen=True, slots=True)
class JourneyAnswer:
    """What may be promised for a journey, and what it hangs on. ``weakest_links``: largest share first."""

    journey: Journey
    availability: RecommendationResult
    latency: RecommendationResult
    weakest_links: tuple[BoundContribution, ...]


@dataclass(frozen=True)
class _ComposedBound:
    """The journey's series is the composite already: nothing more is drawn, only promises hold it down."""

    bound: CompositeBound

    @property
    def promised_ratio(self) -> float | None:
        """Availability when services do no better than they promise."""
        return self.bound.promised_ratio

    def joint_draws(self, n: int, rng: np.random.Generator) -> FloatArray | None:
        """None: see the class."""
        return None


@dataclass(frozen=True)
class JourneySetting:
    """What all journeys of one answer share: window, clock, priors, engine settings, the graph and its version."""

    window: ComplianceWindow
    as_of: datetime
    now: datetime
    availability_prior: OrganizationPrior
    latency_prior: LatencyPrior
    settings: EngineSettings
    graph: DependencyGraph | None = None
    graph_version: int | None = None
    queries: tuple[str, ...] = ()


def recommend_journey(
    journey: Journey,
    composite: JourneyComposite,
    latency: Mapping[str, LatencyHistory],
    setting: JourneySetting,
    findings: TelemetryFindings | None = None,
) -> JourneyAnswer:
    """Availability tiers from the composed series, latency tiers from what the entry points measure; where they do
    not, from what requests wait for along the routes.

    ``latency``: of the entry points and the services on the way, where it is known. ``findings``: what is wrong
    with services' telemetry; an entry point whose series cannot be true is warned of. Deterministic.
    """
    return JourneyAnswer(
        journey,
        _availability(journey, composite, setting, findings),
        _latency(journey, latency, setting),
        composite.weakest_links,
    )


def _availability(
    journey: Journey, composite: JourneyComposite, setting: JourneySetting, findings: TelemetryFindings | None
) -> RecommendationResult:
    if composite.series is None:
        return RecommendationUnavailable(
            composite.series_id,
            SliType.AVAILABILITY,
            UnavailableReason.NO_DATA,
            f"No requests of any service on the way of journey {journey.name} are on record. Check that the "
            f"telemetry of {journey.entry_points[0]} is collected under this name.",
        )
    result = recommend_availability(
        AvailabilityRequest(
            service_id=composite.series_id,
            window=setting.window,
            as_of=setting.as_of,
            panel=composite.series,
            now=setting.now,
            bound=_ComposedBound(composite.bound),
            graph_version=setting.graph_version,
            queries=setting.queries,
        ),
        setting.availability_prior,
        setting.settings,
    )
    refused = {} if findings is None else findings.refused
    bad = [f"the series of {one} is not believed: {refused[one]}" for one in journey.named if one in refused]
    return _warned(result, (*bad, *composite.notes))


def _latency(
    journey: Journey, histories: Mapping[str, LatencyHistory], setting: JourneySetting
) -> RecommendationResult:
    history, warning = entry_latency(journey, histories)
    if history is None and setting.graph is not None and not all(one in histories for one in journey.entry_points):
        composed, said = route_latency(journey, setting.graph, histories)
        history, warning = composed, said if composed is not None else f"{warning} {said}"
    if history is None:
        return RecommendationUnavailable(
            series_id_of(journey), SliType.LATENCY, UnavailableReason.NO_HISTOGRAM, warning or ""
        )
    result = recommend_latency(
        LatencyRequest(
            service_id=series_id_of(journey),
            window=setting.window,
            as_of=setting.as_of,
            history=history,
            now=setting.now,
            graph_version=setting.graph_version,
            queries=setting.queries,
        ),
        setting.latency_prior,
        setting.settings,
    )
    return _warned(result, () if warning is None else (warning,))


def _warned(result: RecommendationResult, warnings: tuple[str, ...]) -> RecommendationResult:
    if not warnings or not isinstance(result, Recommendation):
        return result
    quality = result.data_quality
    return replace(result, data_quality=replace(quality, warnings=(*quality.warnings, *warnings)))
