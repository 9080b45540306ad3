"""Latency of one service: request in, recommendation out. Pure; the same offline and online."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sloengine import __version__
from sloengine.domain.recommendation import data_quality, lifecycle
from sloengine.domain.recommendation.behaviour_change import changes_said
from sloengine.domain.recommendation.confidence import confidence, least_balanced
from sloengine.domain.recommendation.latency_change import change_of_balanced_latency
from sloengine.domain.recommendation.latency_margin import margin_notes
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_refusal import unavailable
from sloengine.domain.recommendation.latency_tiers import (
    SHARES,
    LatencyCase,
    latency_probability_met,
    latency_tiers,
)
from sloengine.domain.recommendation.latency_window import prepare_latency
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Provenance,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    TierName,
    TierTarget,
    UnavailableReason,
)
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.seed import inputs_digest, settings_text
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import summarize
from sloengine.domain.reliability.panel import FloatArray


def recommend_latency(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> RecommendationResult:
    """Three latency tiers (p95 and p99) with what they rest on, or why there are none. Deterministic."""
    return recommend_latency_with_case(request, prior, settings)[0]


def recommend_latency_with_case(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> tuple[RecommendationResult, LatencyCase | None]:
    """As :func:`recommend_latency`, with what it was made from; None where there is no recommendation."""
    prepared = prepare_latency(request, prior, settings)
    if isinstance(prepared, RecommendationUnavailable):
        return prepared, None
    case = prepared.case
    tiers, left_out, layout = latency_tiers(case, settings, request.window, _recorded(request, case, settings))
    if not any(tier.targets for tier in tiers) and len(left_out) == len(SHARES):
        said_why = f"{'; '.join(left_out)}."
        return unavailable(request, UnavailableReason.NOT_TESTABLE, said_why, case.series), None
    facts = case.predictive.facts
    said = () if request.findings is None else request.findings.warnings.get(request.service_id, ())
    quality = data_quality.describe(
        data_quality.Evidence(
            days=facts.own_days,
            completeness=case.series.completeness,
            sample_count=float(np.nansum(case.series.counts)),
            own_weight=facts.own_weight,
            peers=facts.peers,
            archetype=prior.archetypes.name_of(request.service_id),
            archetype_share=prior.archetype_share(request.service_id),
            window_days=case.predictive.window_days,
            slow=True,
        ),
        settings,
        telemetry_warnings=(
            *said,
            *left_out,
            *(note.text for note in layout),
            *margin_notes(request, settings),
            *changes_said(request.changed),
        ),
    )
    expires = lifecycle.expires_at(request.now, settings.expires_after_days)
    recommendation = Recommendation(
        service_id=request.service_id,
        sli_type=SliType.LATENCY,
        window=request.window,
        tiers=tiers,
        data_quality=quality,
        confidence=confidence(
            quality,
            peers=facts.peers,
            window_days=case.predictive.window_days,
            telemetry_warnings=len(said),
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
                    changed=request.changed,
                    layout=layout,
                ),
                change_of_balanced_latency(request.previous, tiers, case.days, case.series.ends_at),
            )
            if said
        ),
        engine_version=__version__,
        generated_at=request.now,
        expires_at=expires,
        provenance=Provenance(
            from_at=case.series.first_at or case.series.start_at,
            to_at=case.series.ends_at,
            queries=request.queries,
            graph_version=request.graph_version,
            seed=prepared.seed,
            inputs_digest=inputs_digest(
                [case.days.counts, case.days.ages, case.days.bounds_seconds],
                (
                    request.service_id,
                    str(request.window),
                    case.series.ends_at.isoformat(),
                    prior.digest,
                    settings_text(settings),
                    str(case.margin_ratio),
                    str(request.changed),
                ),
            ),
        ),
        graph_version=request.graph_version,
        review_at=expires if quality.cold_start else None,
    )
    return recommendation, case


def latency_probability(
    request: LatencyRequest,
    prior: LatencyPrior,
    settings: EngineSettings,
    kind: ObjectiveKind,
    threshold_ms: float,
) -> float | None:
    """P(met over the next window) of any latency threshold; None where no recommendation can be made.

    Raises: ValueError, if ``kind`` is no latency objective.
    """
    if kind not in SHARES:
        raise ValueError(f"{kind} is no latency objective")
    case = latency_case(request, prior, settings)
    if case is None:
        return None
    return latency_probability_met(
        case.draws_ms(kind), threshold_ms, case.calibration(kind, settings), settings.highest_level
    )


def latency_draws(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> Mapping[ObjectiveKind, FloatArray] | None:
    """Draws of the next window's percentiles, margin included, in milliseconds; None where there are none."""
    case = latency_case(request, prior, settings)
    return None if case is None else {kind: case.draws_ms(kind) for kind in SHARES}


def latency_case(request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings) -> LatencyCase | None:
    """What targets would be made from; None where no recommendation can be made."""
    prepared = prepare_latency(request, prior, settings)
    return None if isinstance(prepared, RecommendationUnavailable) else prepared.case


def _recorded(
    request: LatencyRequest, case: LatencyCase, settings: EngineSettings
) -> dict[tuple[TierName, ObjectiveKind], TierTarget]:
    """Targets on record, where nothing they were made from changed in kind."""
    previous = request.previous
    if previous is None or previous.sli_type is not SliType.LATENCY or previous.window is not request.window:
        return {}
    if request.changed is not None and not request.changed.is_known_to(previous):
        return {}
    if previous.data_quality.cold_start != (case.predictive.facts.own_days < settings.cold_start_days):
        return {}
    return {
        (name, kind): target
        for name in TierName
        for kind in SHARES
        if (target := lifecycle.previous_target(previous, name, kind)) is not None
    }
