"""Recommendations from values alone: the same computation offline, online and in bulk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.evidence import DEPTH, Evidence
from sloengine.application.recommendation.explaining import explained_availability, explained_latency
from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.behaviour_change import still_slow
from sloengine.domain.recommendation.model import (
    CompositeBound,
    ObjectiveKind,
    Recommendation,
    RecommendationResult,
    SliType,
)
from sloengine.domain.recommendation.recommend import (
    AvailabilityRequest,
    BoundForTiers,
    EngineSettings,
    LatencyRequest,
    TelemetryFindings,
    availability_predictive,
    availability_probability,
    inspect,
    latency_probability,
    recommend_latency_with_case,
    recommend_with_case,
)
from sloengine.domain.recommendation.seed import settings_text
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.additive_fit import AdditiveFit
from sloengine.domain.topology.composite_bound import BoundResult, Softened, composite_bound
from sloengine.domain.topology.graph_reliability import GraphReliability, learn_reliability
from sloengine.domain.topology.joint_draws import DrawnSources, draw_sources

_MATTERS = 1e-3
"""Share of what is inherited below which a part keeps its mean instead of being drawn."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One answer that is asked for."""

    service_id: str
    sli_type: SliType


type Draws = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """Evidence with what is worked out once for all services in it.

    ``draws``: predictive unavailability per service and window, filled as it is needed; shape (n_draws,).
    ``earlier``: what was worked out for other services, to be found again. ``older``: checked like the rest.
    """

    evidence: Evidence
    findings: TelemetryFindings
    reliability: GraphReliability
    draws: dict[tuple[str, ComplianceWindow], Draws | None] = field(default_factory=dict)
    earlier: Earlier | None = None
    older: SliPanel | None = None

    def panel_of(self, service_id: str) -> SliPanel:
        """Where a service's own series is read: a year of it where the usual look-back holds too few days."""
        older = self.older
        return self.findings.cleaned if older is None or service_id not in older.rows else older


@dataclass(frozen=True)
class Earlier:
    """What neighbours have in common when they are asked for one after the other: their dependencies' draws, 32 KB
    each, and the fits of those that call them.
    """

    draws: ContentMemo[Draws | None] = field(default_factory=lambda: ContentMemo(2_000))
    fits: ContentMemo[AdditiveFit] = field(default_factory=lambda: ContentMemo(10_000))


def prepare(evidence: Evidence, earlier: Earlier | None = None) -> Prepared:
    """Check the telemetry and learn how failures travel; dear, so done once for all services.

    ``earlier``: saves work where services are asked for one by one; the answers are the same.
    """
    findings = inspect(evidence.panel, evidence.graph)
    reliability = learn_reliability(
        evidence.graph,
        findings.cleaned,
        evidence.edges,
        findings.refused,
        roots=evidence.asked,
        fits=None if earlier is None else earlier.fits,
    )
    older = None if evidence.older is None else inspect(evidence.older).cleaned
    return Prepared(
        evidence, _with_series_not_given(findings, evidence), reliability, earlier=earlier, older=older
    )


def compute_recommendations(
    prepared: Prepared,
    wanted: Sequence[Wanted],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Mapping[Wanted, Recommendation] | None = None,
    shapley: ShapleyValues | None = None,
) -> dict[Wanted, RecommendationResult]:
    """An answer per service and SLI type.

    ``shapley`` None: without explanations.
    ``previous``: recommendations on record, whose targets stay while they still hold. One service that cannot be
    computed takes none of the others with it: it is logged and left out.
    """
    settings = prepared.evidence.priors.calibrated(settings)
    answers: dict[Wanted, RecommendationResult] = {}
    for one in wanted:
        before = (previous or {}).get(one)
        try:
            answers[one] = _recommend(prepared, one, window, now, settings, before, shapley)
        except Exception:
            _log.exception("no answer for %s of %s", one.sli_type, one.service_id)
    return answers


def probabilities_met(
    prepared: Prepared,
    service_id: str,
    targets: Sequence[SloTarget],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
) -> list[float | None]:
    """P(met over the next window) of any targets of one service, None where the data do not carry an answer."""
    settings = prepared.evidence.priors.calibrated(settings)
    answers: list[float | None] = []
    for target in targets:
        if target.kind is ObjectiveKind.AVAILABILITY and target.availability_ratio is not None:
            request = _availability_request(prepared, service_id, window, now, settings)
            prior = prepared.evidence.priors.availability
            answers.append(availability_probability(request, prior, settings, target.availability_ratio))
        elif target.threshold_ms is not None:
            asked = _latency_request(prepared, service_id, window, now)
            slow = prepared.evidence.priors.latency
            answers.append(latency_probability(asked, slow, settings, target.kind, target.threshold_ms))
        else:
            answers.append(None)
    return answers


def _recommend(
    prepared: Prepared,
    one: Wanted,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Recommendation | None,
    shapley: ShapleyValues | None,
) -> RecommendationResult:
    priors = prepared.evidence.priors
    if one.sli_type is SliType.AVAILABILITY:
        request = _availability_request(prepared, one.service_id, window, now, settings, previous)
        result, case = recommend_with_case(request, priors.availability, settings)
        if shapley is None or case is None or not isinstance(result, Recommendation):
            return result
        return explained_availability(result, request, case, priors.availability, settings, shapley)
    asked = _latency_request(prepared, one.service_id, window, now, previous)
    slow, made_from = recommend_latency_with_case(asked, priors.latency, settings)
    if shapley is None or made_from is None or not isinstance(slow, Recommendation):
        return slow
    return explained_latency(slow, asked, made_from, priors.latency, settings, shapley)


def _availability_request(
    prepared: Prepared,
    service_id: str,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    previous: Recommendation | None = None,
) -> AvailabilityRequest:
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


def _latency_request(
    prepared: Prepared,
    service_id: str,
    window: ComplianceWindow,
    now: datetime,
    previous: Recommendation | None = None,
) -> LatencyRequest:
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
    return _DrawnBound(
        service_id, result, lambda wanted: predictive_draws(prepared, wanted, window, now, settings)
    )


@dataclass(frozen=True)
class _DrawnBound:
    """A composite bound that draws future windows from what each part's own past predicts."""

    service_id: str
    result: BoundResult
    draws_of: Callable[[Sequence[str]], Mapping[str, Draws]]

    @property
    def bound(self) -> CompositeBound:
        """What is shown."""
        return self.result.bound

    @property
    def promised_ratio(self) -> float | None:
        """Availability when dependencies do no better than they promise."""
        return self.result.promised_ratio

    def joint_draws(self, n: int, rng: np.random.Generator) -> Draws | None:
        """Unavailability of the composite in ``n`` future windows.

        Only what matters is drawn: parts below a thousandth of what is inherited keep their mean, and a service
        that inherits nothing is bounded by nothing.
        """
        known = self._known_draws()
        return None if known is None else self.result.joint_draws(n, rng, known)

    def drawn_sources(self, n: int, rng: np.random.Generator) -> DrawnSources | None:
        """What these draws are composed of, given the same numbers."""
        known = self._known_draws()
        return None if known is None else draw_sources(self.result.inherited, n, rng, known)

    def _known_draws(self) -> Mapping[str, Draws] | None:
        shares = {part.service_id: part.share_ratio for part in self.bound.contributions}
        inherited = sum(shares.values())
        if inherited <= 0:
            return None
        matters = [service_id for service_id, share in shares.items() if share >= _MATTERS * inherited]
        return self.draws_of([self.service_id, *matters])

    def softened(self, dependency: str) -> Softened | None:
        """What making the call to this dependency soft leaves."""
        return self.result.softened(dependency)


def predictive_draws(
    prepared: Prepared,
    service_ids: Sequence[str],
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
) -> dict[str, Draws]:
    """Predictive draws of services that have any, each from its own past alone."""
    found: dict[str, Draws] = {}
    for service_id in service_ids:
        key = (service_id, window)
        if key not in prepared.draws:
            request = AvailabilityRequest(
                service_id=service_id,
                window=window,
                as_of=prepared.evidence.as_of,
                panel=prepared.panel_of(service_id),
                now=now,
                findings=prepared.findings,
            )
            prepared.draws[key] = _draws_of(request, prepared, settings)
        known = prepared.draws[key]
        if known is not None:
            found[service_id] = known
    return found


def _draws_of(request: AvailabilityRequest, prepared: Prepared, settings: EngineSettings) -> Draws | None:
    def compute() -> Draws | None:
        predictive = availability_predictive(request, prepared.evidence.priors.availability, settings)
        return None if predictive is None else predictive.unavailability

    if prepared.earlier is None:
        return compute()
    panel = request.panel
    row = panel.rows.get(request.service_id)
    series = () if row is None else (panel.good[row], panel.total[row])
    refused = prepared.findings.refused.get(request.service_id, "")
    asked = (request.service_id, request.window, request.as_of.isoformat(), panel.start_at.isoformat())
    priors = prepared.evidence.priors.availability.digest
    return prepared.earlier.draws(
        series, (*asked, str(panel.step), refused, priors, settings_text(settings)), compute
    )


def _queries(evidence: Evidence) -> tuple[str, ...]:
    return () if evidence.source is None else (f"hourly sums pulled from {evidence.source}",)


def _with_series_not_given(findings: TelemetryFindings, evidence: Evidence) -> TelemetryFindings:
    """Series that the source kept back: without any other data they are the reason, else a warning."""
    refused, warnings = dict(findings.refused), dict(findings.warnings)
    rows = findings.cleaned.rows
    for service_id, reason in evidence.refused.items():
        row = rows.get(service_id)
        if row is None:
            continue
        if np.isnan(findings.cleaned.total[row]).all():
            refused.setdefault(service_id, reason)
        else:
            warnings[service_id] = (*warnings.get(service_id, ()), f"a series was not taken: {reason}")
    return replace(findings, refused=refused, warnings=warnings)
