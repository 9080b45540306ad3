"""Availability of one service: request in, recommendation out. Pure; the same offline and online."""

from __future__ import annotations

import numpy as np

from sloengine import __version__
from sloengine.domain.recommendation import data_quality, lifecycle
from sloengine.domain.recommendation.availability_case import AvailabilityCase, availability_case
from sloengine.domain.recommendation.availability_refusal import not_testable, refusal
from sloengine.domain.recommendation.behaviour_change import changes_said
from sloengine.domain.recommendation.confidence import confidence, least_balanced
from sloengine.domain.recommendation.model import (
    CompositeBound,
    ObjectiveKind,
    Provenance,
    Recommendation,
    RecommendationResult,
    SliType,
    TierName,
    TierTarget,
)
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.predictive import Predictive
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.seed import bound_text, inputs_digest, settings_text
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import summarize
from sloengine.domain.recommendation.target_change import capped_since, change_of_balanced
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings
from sloengine.domain.recommendation.tiers import availability_tiers, calibration_in_force, probability_met
from sloengine.domain.reliability.window import ComplianceWindow


def recommend_availability(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings
) -> RecommendationResult:
    """Three availability tiers with what they rest on, or why there are none.

    Deterministic: the same request, prior and settings give the same recommendation.
    """
    return recommend_with_case(request, prior, settings)[0]


def recommend_with_case(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings
) -> tuple[RecommendationResult, AvailabilityCase | None]:
    """As :func:`recommend_availability`, with what it was made from; None where there is no recommendation."""
    refused = refusal(request, settings)
    if refused is not None:
        return refused, None
    prepared = availability_case(request, prior, settings)
    series, predictive = prepared.series, prepared.predictive
    windows = series.disjoint_windows
    tiers = availability_tiers(
        predictive,
        prepared.caps,
        settings,
        window=request.window,
        data_only_probability=windows / (windows + 1.0),
        replay=series.replay,
        recorded=_recorded(request, prepared, settings),
    )
    if prepared.caps.window_requests * (1.0 - settings.lowest_target_ratio) < settings.testable_failures:
        return not_testable(request, prepared, settings), None
    bound = None if request.bound is None else request.bound.bound
    said = (*_telemetry_warnings(request.findings, request.service_id), *changes_said(prepared.changed))
    facts = predictive.facts
    quality = data_quality.describe(
        data_quality.Evidence(
            days=facts.own_days,
            recent_days=series.known_days(settings.lookback_days),
            completeness=series.completeness,
            sample_count=float(np.nansum(series.total)),
            own_weight=facts.own_weight,
            peers=facts.peers,
            archetype=prior.archetypes.name_of(request.service_id),
            archetype_share=prior.archetype_share(request.service_id),
            window_days=prepared.window_days,
            share_of_time=prepared.share_of_time,
        ),
        settings,
        telemetry_warnings=said,
        bound=bound,
    )
    expires = lifecycle.expires_at(request.now, settings.expires_after_days)
    recommendation = Recommendation(
        service_id=request.service_id,
        sli_type=SliType.AVAILABILITY,
        window=request.window,
        tiers=tiers,
        data_quality=quality,
        confidence=confidence(
            quality,
            peers=facts.peers,
            window_days=prepared.window_days,
            telemetry_warnings=len(said),
            bound=bound,
            promised=least_balanced(tiers),
        ),
        summary=" ".join(
            said
            for said in (
                summarize(
                    request.service_id,
                    request.window,
                    tiers,
                    quality,
                    peers=facts.peers,
                    kind=prior.archetypes.name_of(request.service_id),
                    bound=bound,
                    changed=prepared.changed,
                ),
                change_of_balanced(request.previous, tiers, prepared.history),
                *capped_since(request.previous, tiers, prepared.caps, predictive, settings),
            )
            if said
        ),
        engine_version=__version__,
        generated_at=request.now,
        expires_at=expires,
        provenance=Provenance(
            from_at=max(series.start_at, series.first_at or series.start_at),
            to_at=series.ends_at,
            queries=request.queries,
            graph_version=request.graph_version,
            seed=prepared.seed,
            inputs_digest=_digest(request, prepared, prior, settings),
        ),
        bound=bound,
        graph_version=request.graph_version,
        review_at=expires if quality.cold_start else None,
    )
    return recommendation, prepared


def availability_probability(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings, target_ratio: float
) -> float | None:
    """P(met over the next window) of any availability target; None where no recommendation can be made."""
    if refusal(request, settings) is not None:
        return None
    predictive = availability_case(request, prior, settings).predictive
    return probability_met(
        predictive.unavailability,
        target_ratio,
        calibration_in_force(predictive, settings),
        settings.highest_level,
    )


def availability_predictive(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings
) -> Predictive | None:
    """The draws behind a recommendation, for what-if and explanation; None where there is none."""
    if refusal(request, settings) is not None:
        return None
    return availability_case(request, prior, settings).predictive


def _recorded(
    request: AvailabilityRequest, prepared: AvailabilityCase, settings: EngineSettings
) -> dict[TierName, TierTarget]:
    """Targets on record, where nothing they were made from changed in kind."""
    previous = request.previous
    if previous is None or previous.sli_type is not SliType.AVAILABILITY:
        return {}
    if prepared.changed is not None and not prepared.changed.is_known_to(previous):
        return {}
    cold = prepared.series.known_days(settings.lookback_days) < settings.cold_start_days
    bound = None if request.bound is None else request.bound.bound
    then = _kind(previous.window, previous.data_quality.cold_start, previous.bound, request.service_id)
    if then != _kind(request.window, cold, bound, request.service_id):
        return {}
    found = {name: lifecycle.previous_target(previous, name, ObjectiveKind.AVAILABILITY) for name in TierName}
    return {name: target for name, target in found.items() if target is not None}


def _kind(
    window: ComplianceWindow, cold: bool, bound: CompositeBound | None, service_id: str
) -> tuple[object, ...]:
    return window, cold, bound is None, () if bound is None else _contradicted(bound, service_id)


def _contradicted(bound: CompositeBound, service_id: str) -> tuple[object, ...]:
    """Calls that are contradicted, by which a change in kind is known.

    Where only some of them are named, which ones moves with every hour: then the service's own are looked at, and
    where not even those are all named, only that there are so many.
    """
    pairs = sorted((found.caller, found.dependency) for found in bound.contradictions)
    if bound.more_contradictions:
        own = [pair for pair in pairs if pair[0] == service_id]
        pairs = own if len(own) < len(pairs) else []
    return bound.more_contradictions > 0, *pairs


def _telemetry_warnings(findings: TelemetryFindings | None, service_id: str) -> tuple[str, ...]:
    return () if findings is None else findings.warnings.get(service_id, ())


def _digest(
    request: AvailabilityRequest, prepared: AvailabilityCase, prior: OrganizationPrior, settings: EngineSettings
) -> str:
    history, caps = prepared.history, prepared.caps
    arrays = [history.bad, history.valid, history.exposure]
    if caps.composite is not None:
        arrays.append(caps.composite)
    texts = (
        request.service_id,
        str(request.window),
        prepared.series.ends_at.isoformat(),
        prior.digest,
        settings_text(settings),
        bound_text(None if request.bound is None else request.bound.bound),
        str(request.graph_version),
        str(prepared.changed),
    )
    return inputs_digest(arrays, texts)
