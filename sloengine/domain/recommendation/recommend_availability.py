"""Availability of one service: request in, recommendation out. Pure; the same offline and online."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from sloengine import __version__
from sloengine.domain.recommendation import data_quality, lifecycle
from sloengine.domain.recommendation.availability_replay import OwnSeries, own_series
from sloengine.domain.recommendation.behaviour_change import (
    BehaviourChange,
    changes_said,
    since,
    still_there,
    worse_of,
)
from sloengine.domain.recommendation.confidence import confidence, least_balanced
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
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.predictive import Predictive, predict_with
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.seed import (
    bound_text,
    generator,
    inputs_digest,
    seed_of,
    settings_text,
)
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import summarize
from sloengine.domain.recommendation.target_change import change_of_balanced
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings
from sloengine.domain.recommendation.tiers import AvailabilityCaps, availability_tiers, probability_met
from sloengine.domain.recommendation.window_draws import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory, daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.percent import percent_text

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class AvailabilityCase:
    """What a recommendation was made from, once the inputs have been read: enough to ask the engine again."""

    series: OwnSeries
    history: DailyHistory
    share_of_time: bool
    daily_traffic: float
    window_days: float
    numbers: WindowNumbers
    changed: BehaviourChange | None
    predictive: Predictive
    caps: AvailabilityCaps
    seed: str


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
    refusal = _refusal(request, settings)
    if refusal is not None:
        return refusal, None
    prepared = _prepare(request, prior, settings)
    series, predictive = prepared.series, prepared.predictive
    windows = series.disjoint_windows
    tiers = availability_tiers(
        predictive,
        prepared.caps,
        settings,
        window=request.window,
        data_only_probability=windows / (windows + 1.0),
        replay=series.replay,
        kept=_kept(request, prepared, settings),
    )
    if prepared.caps.window_requests * (1.0 - settings.lowest_target_ratio) < settings.testable_failures:
        return _not_testable(request, prepared, settings), None
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
                    bound=bound,
                    changed=prepared.changed,
                ),
                change_of_balanced(request.previous, tiers, prepared.history),
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
    if _refusal(request, settings) is not None:
        return None
    predictive = _prepare(request, prior, settings).predictive
    return probability_met(
        predictive.unavailability, target_ratio, settings.availability_calibration, settings.highest_level
    )


def availability_predictive(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings
) -> Predictive | None:
    """The draws behind a recommendation, for what-if and explanation; None where there is none."""
    return None if _refusal(request, settings) is not None else _prepare(request, prior, settings).predictive


def _prepare(request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings) -> AvailabilityCase:
    series = _series(request, settings)
    panel = SliPanel(
        (request.service_id,), series.start_at, series.step, series.good[None, :], series.total[None, :]
    )
    raw = daily_sums(
        panel, as_of=series.ends_at, lookback_days=max(settings.lookback_days, settings.prior_lookback_days)
    )
    history, shares = raw.in_events()
    changed = still_there(request.changed, history)
    daily_traffic = float(history.expected_daily_traffic()[0])
    window_days = request.window.length / _DAY
    seed = seed_of(request.service_id, SliType.AVAILABILITY, request.window)
    window_rng, composite_rng = streams(seed)
    numbers = WindowNumbers.of(window_rng, settings.n_draws)
    predictive = window_predictive(
        history,
        prior,
        numbers,
        window_days=window_days,
        expected_daily_traffic=daily_traffic,
        changed=changed,
    )
    if request.on_predicted is not None and request.changed is None:
        request.on_predicted(predictive.unavailability)
    composite, promised, weakest = None, None, None
    if request.bound is not None:
        composite = request.bound.joint_draws(settings.n_draws, composite_rng)
        promised = request.bound.promised_ratio
        most = max(request.bound.bound.contributions, key=lambda c: c.share_ratio, default=None)
        weakest = None if most is None or most.share_ratio <= 0 else most.service_id
    return AvailabilityCase(
        series=series,
        history=history,
        share_of_time=bool(shares[0]),
        daily_traffic=daily_traffic,
        window_days=window_days,
        numbers=numbers,
        predictive=predictive,
        changed=changed,
        caps=AvailabilityCaps(daily_traffic * window_days, composite, promised, weakest),
        seed=seed,
    )


def window_predictive(
    history: DailyHistory,
    prior: OrganizationPrior,
    numbers: WindowNumbers,
    *,
    window_days: float,
    expected_daily_traffic: float,
    changed: BehaviourChange | None,
) -> Predictive:
    """The next window as the history lets expect it; after a change the more cautious of the whole history and of
    the days since, rank by rank.
    """
    limits = {"window_days": window_days, "expected_daily_traffic": expected_daily_traffic}
    whole = predict_with(history, prior, numbers, **limits)
    if changed is None:
        return whole
    recent = predict_with(since(history, changed.started_at), prior, numbers, **limits)
    return replace(whole, unavailability=worse_of(whole.unavailability, recent.unavailability))


def streams(seed: str) -> tuple[np.random.Generator, np.random.Generator]:
    """Random numbers of the service's own window, and of the composite's."""
    window, composite = generator(seed).spawn(2)
    return window, composite


def _series(request: AvailabilityRequest, settings: EngineSettings) -> OwnSeries:
    """The service's own intervals; where the usual look-back holds less than 30 days of them, older ones too."""
    as_of = request.as_of.replace(minute=0, second=0, microsecond=0)

    def cut(days: int) -> OwnSeries:
        window = request.window.length
        return own_series(request.panel, request.service_id, as_of=as_of, lookback_days=days, window=window)

    usual = cut(settings.lookback_days)
    # A service that has been silent for the whole look-back is not brought back by what it once was.
    if not 0 < usual.known_days() < settings.cold_start_days:
        return usual
    longer = cut(max(settings.lookback_days, settings.prior_lookback_days))
    return longer if longer.known_days() > usual.known_days() else usual


def _is_cold(series: OwnSeries, settings: EngineSettings) -> bool:
    return series.known_days(settings.lookback_days) < settings.cold_start_days


def _refusal(request: AvailabilityRequest, settings: EngineSettings) -> RecommendationUnavailable | None:
    series = _series(request, settings)
    findings = request.findings
    if findings is not None and request.service_id in findings.refused:
        return RecommendationUnavailable(
            request.service_id,
            SliType.AVAILABILITY,
            UnavailableReason.BAD_TELEMETRY,
            f"The telemetry of {request.service_id} cannot be true: {findings.refused[request.service_id]}. "
            f"Mend its exporter or the query, then ask again; as evidence on its callers' edges it is kept.",
            since=series.first_at,
        )
    if not float(np.nansum(series.total)) > 0:
        return RecommendationUnavailable(
            request.service_id,
            SliType.AVAILABILITY,
            UnavailableReason.NO_DATA,
            f"Not enough data: {request.service_id} has no request on record in the {settings.lookback_days} days "
            f"before {series.ends_at:%Y-%m-%d %H:%M} UTC. Check that its telemetry is collected under this name.",
        )
    return None


def _not_testable(
    request: AvailabilityRequest, prepared: AvailabilityCase, settings: EngineSettings
) -> RecommendationUnavailable:
    requests = prepared.caps.window_requests
    return RecommendationUnavailable(
        request.service_id,
        SliType.AVAILABILITY,
        UnavailableReason.NOT_TESTABLE,
        f"About {requests:,.1f} requests in a window cannot test a target: a single failure would cost more than "
        f"{percent_text(1 / settings.testable_failures)} of the budget of any target of at least "
        f"{percent_text(settings.lowest_target_ratio)}. Use a longer window, or add synthetic probes.",
        since=prepared.series.first_at,
    )


def _kept(
    request: AvailabilityRequest, prepared: AvailabilityCase, settings: EngineSettings
) -> dict[TierName, float] | None:
    """Targets on record that stay: their P(met) is still near the tier's, and nothing changed in kind."""
    previous = request.previous
    if previous is None or previous.sli_type is not SliType.AVAILABILITY:
        return None
    if prepared.changed is not None and not prepared.changed.is_known_to(previous):
        return None
    cold = _is_cold(prepared.series, settings)
    bound = None if request.bound is None else request.bound.bound
    if _kind(previous.window, previous.data_quality.cold_start, previous.bound) != _kind(
        request.window, cold, bound
    ):
        return None
    kept: dict[TierName, float] = {}
    for name in TierName:
        target = lifecycle.previous_target(previous, name, ObjectiveKind.AVAILABILITY)
        if target is None or target.availability_ratio is None:
            continue
        met = probability_met(
            prepared.predictive.unavailability,
            target.availability_ratio,
            settings.availability_calibration,
            settings.highest_level,
        )
        changed = lifecycle.should_replace(
            target,
            replace(target, availability_ratio=-1.0),
            met,
            nominal_probability=settings.nominal_probability[name],
            kind_changed=False,
            band=settings.anti_flap,
        )
        if not changed:
            kept[name] = target.availability_ratio
    return kept


def _kind(window: object, cold: bool, bound: object) -> tuple[object, ...]:
    contradictions = getattr(bound, "contradictions", ())
    return window, cold, bound is None, tuple(sorted((c.caller, c.dependency) for c in contradictions))


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
