"""Latency of one service: request in, recommendation out. Pure; the same offline and online."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from sloengine import __version__
from sloengine.domain.recommendation import data_quality, lifecycle
from sloengine.domain.recommendation.behaviour_change import BehaviourChange, changes_said
from sloengine.domain.recommendation.confidence import confidence, least_balanced
from sloengine.domain.recommendation.latency_days import LatencyDays, describe_days
from sloengine.domain.recommendation.latency_margin import margin_notes, margin_ratio
from sloengine.domain.recommendation.latency_predictive import (
    LatencyNumbers,
    LatencyPredictive,
    predict_latency_with,
)
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_replay import LatencySeries, latency_series
from sloengine.domain.recommendation.latency_tiers import (
    SHARES,
    LatencyCase,
    latency_probability_met,
    latency_tiers,
)
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Provenance,
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
    SliType,
    TierName,
    UnavailableReason,
)
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.seed import generator, inputs_digest, seed_of, settings_text
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import summarize
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

_DAY = timedelta(days=1)
_TRAFFIC_DAYS = 28


@dataclass(frozen=True)
class _Prepared:
    case: LatencyCase
    seed: str


def recommend_latency(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> RecommendationResult:
    """Three latency tiers (p95 and p99) with what they rest on, or why there are none. Deterministic."""
    return recommend_latency_with_case(request, prior, settings)[0]


def recommend_latency_with_case(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> tuple[RecommendationResult, LatencyCase | None]:
    """As :func:`recommend_latency`, with what it was made from; None where there is no recommendation."""
    prepared = _prepare(request, prior, settings)
    if isinstance(prepared, RecommendationUnavailable):
        return prepared, None
    case = prepared.case
    tiers, left_out, layout = latency_tiers(case, settings, request.window, _kept(request, case, settings))
    if not any(tier.targets for tier in tiers) and len(left_out) == len(SHARES):
        said_why = f"{'; '.join(left_out)}."
        return _unavailable(request, UnavailableReason.NOT_TESTABLE, said_why, case.series), None
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
        summary=summarize(
            request.service_id,
            request.window,
            tiers,
            quality,
            peers=facts.peers,
            changed=request.changed,
            layout=layout,
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
    prepared = _prepare(request, prior, settings)
    if isinstance(prepared, RecommendationUnavailable):
        return None
    return latency_probability_met(
        prepared.case.draws_ms(kind), threshold_ms, settings.latency_calibration, settings.highest_level
    )


def latency_draws(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> Mapping[ObjectiveKind, FloatArray] | None:
    """Draws of the next window's percentiles, margin included, in milliseconds; None where there are none."""
    prepared = _prepare(request, prior, settings)
    if isinstance(prepared, RecommendationUnavailable):
        return None
    return {kind: prepared.case.draws_ms(kind) for kind in SHARES}


def _prepare(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> _Prepared | RecommendationUnavailable:
    as_of = request.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    refusal = _refusal(request)
    if refusal is not None or request.history is None:
        return refusal or _no_histogram(request)
    history = request.history
    series = latency_series(
        history, as_of=as_of, lookback_days=settings.lookback_days, window=request.window.length
    )
    if not series.known.any():
        message = (
            f"Not enough data: {request.service_id} has no complete day with requests in the "
            f"{settings.lookback_days} days before {series.ends_at:%Y-%m-%d} UTC."
        )
        return _unavailable(request, UnavailableReason.NO_DATA, message)
    days = _days(series)
    if days is None:
        message = (
            f"The histogram of {request.service_id} cannot carry a target: on most days more than 5 % of its "
            f"requests are slower than its last bound, {history.bounds_seconds[-2] * 1000:,.6g} ms. "
            f"Add larger buckets."
        )
        return _unavailable(request, UnavailableReason.NO_HISTOGRAM, message, series)
    return _case(request, prior, settings, series, days)


def _no_histogram(request: LatencyRequest) -> RecommendationUnavailable:
    message = f"Not enough data: {request.service_id} has no latency histogram on record."
    if request.traced_p99 is None:
        return _unavailable(request, UnavailableReason.NO_DATA, message)
    message = (
        f"No latency histogram of {request.service_id} is on record. Traces of the newest hour put its p99 "
        f"somewhere {request.traced_p99}, for they are counted in powers of two; a percentile alone makes no "
        f"target, least of all one that coarse. Record a histogram."
    )
    return _unavailable(request, UnavailableReason.NO_HISTOGRAM, message)


def _refusal(request: LatencyRequest) -> RecommendationUnavailable | None:
    """Why this history cannot be used, whatever is in the look-back."""
    service_id, history, findings = request.service_id, request.history, request.findings
    if history is None:
        return _no_histogram(request)
    if history.percentiles_only:
        message = (
            f"The latency of {service_id} is known as percentiles only, and percentiles of intervals do not make "
            f"the percentile of a window. Record a histogram."
        )
        return _unavailable(request, UnavailableReason.NO_HISTOGRAM, message)
    if findings is not None and service_id in findings.refused:
        message = (
            f"The telemetry of {service_id} cannot be true: {findings.refused[service_id]}. "
            f"Latency measured by the same exporter is not used."
        )
        return _unavailable(request, UnavailableReason.BAD_TELEMETRY, message)
    impossible = _impossible(history)
    if impossible is not None:
        message = f"The latency histogram of {service_id} cannot be true: {impossible}."
        return _unavailable(request, UnavailableReason.BAD_TELEMETRY, message)
    return None


def _case(
    request: LatencyRequest,
    prior: LatencyPrior,
    settings: EngineSettings,
    series: LatencySeries,
    days: LatencyDays,
) -> _Prepared:
    window_days = request.window.length / _DAY
    seed = seed_of(request.service_id, SliType.LATENCY, request.window)
    numbers = LatencyNumbers.of(days, generator(seed), settings.n_latency_draws, window_days)
    predictive = latency_window(
        days, prior, request.service_id, numbers, window_days=window_days, changed=request.changed
    )
    windows = series.disjoint_windows
    return _Prepared(
        LatencyCase(
            days=days,
            predictive=predictive,
            series=series,
            margin_ratio=margin_ratio(request, settings),
            window_requests=float(days.requests[-_TRAFFIC_DAYS:].mean()) * window_days,
            data_only_probability=windows / (windows + 1.0),
            numbers=numbers,
        ),
        seed,
    )


def latency_window(
    days: LatencyDays,
    prior: LatencyPrior,
    service_id: str,
    numbers: LatencyNumbers,
    *,
    window_days: float,
    changed: BehaviourChange | None,
) -> LatencyPredictive:
    """The next window as the days let expect it, slower by as much as the service has become since they began.

    Only whole days are stored as histograms: the new level is known before the first of them is over.
    """
    found = predict_latency_with(days, prior, service_id, numbers, window_days=window_days)
    if changed is None:
        return found
    slower_by = changed.slower_by
    return replace(found, p95_seconds=found.p95_seconds * slower_by, p99_seconds=found.p99_seconds * slower_by)


def _days(series: LatencySeries) -> LatencyDays | None:
    known = series.known
    ages = np.arange(len(series.counts), dtype=np.float64)[::-1] + 0.5
    return describe_days(series.bounds_seconds, series.counts[known], ages[known])


def _impossible(history: LatencyHistory) -> str | None:
    bounds = history.bounds_seconds
    if len(bounds) < 2 or not np.isposinf(bounds[-1]) or not (np.diff(bounds) > 0).all():
        return "its bounds do not ascend to +Inf"
    if bool((history.counts < 0).any()):
        return "negative counts (buckets that are not cumulative, or a counter that goes back)"
    if bool(np.isinf(history.counts).any()):
        return "infinite counts"
    return None


def _kept(
    request: LatencyRequest, case: LatencyCase, settings: EngineSettings
) -> dict[tuple[TierName, ObjectiveKind], float] | None:
    """Thresholds on record that stay: P(met) near the tier's, still bucket bounds, no change in kind."""
    previous = request.previous
    if previous is None or previous.sli_type is not SliType.LATENCY or previous.window is not request.window:
        return None
    if request.changed is not None and not request.changed.is_known_to(previous):
        return None
    if previous.data_quality.cold_start != (case.predictive.facts.own_days < settings.cold_start_days):
        return None
    bounds = case.days.bounds_seconds[:-1] * 1000.0
    kept: dict[tuple[TierName, ObjectiveKind], float] = {}
    for name in TierName:
        for kind in SHARES:
            target = lifecycle.previous_target(previous, name, kind)
            if target is None or target.threshold_ms is None:
                continue
            threshold = target.threshold_ms
            if not bool(np.isclose(bounds, threshold, rtol=1e-9).any()):
                continue
            met = latency_probability_met(
                case.draws_ms(kind), threshold, settings.latency_calibration, settings.highest_level
            )
            if not lifecycle.should_replace(
                target,
                replace(target, threshold_ms=-1.0),
                met,
                nominal_probability=settings.nominal_probability[name],
                kind_changed=False,
                band=settings.anti_flap,
            ):
                kept[name, kind] = threshold
    return kept


def _unavailable(
    request: LatencyRequest, reason: UnavailableReason, message: str, series: LatencySeries | None = None
) -> RecommendationUnavailable:
    since = None if series is None else series.first_at
    text = f"{message[:1].upper()}{message[1:]}"
    return RecommendationUnavailable(request.service_id, SliType.LATENCY, reason, text, since=since)
