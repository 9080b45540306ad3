"""What an availability recommendation is made from: the history cut, the next window drawn, the caps known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from sloengine.domain.recommendation.availability_replay import OwnSeries, own_series
from sloengine.domain.recommendation.behaviour_change import BehaviourChange, since, still_there, worse_of
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.predictive import Predictive, predict_with
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.seed import generator, seed_of
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import AvailabilityCaps
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory, daily_sums

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class AvailabilityCase:
    """What a recommendation was made from, once the inputs have been read: enough to ask the engine again."""

    series: OwnSeries
    history: DailyHistory
    prior: ServicePrior
    share_of_time: bool
    daily_traffic: float
    window_days: float
    numbers: WindowNumbers
    changed: BehaviourChange | None
    predictive: Predictive
    caps: AvailabilityCaps
    seed: str


def availability_case(
    request: AvailabilityRequest, prior: OrganizationPrior, settings: EngineSettings
) -> AvailabilityCase:
    """Draw the next window from what the request says. For requests that are not refused."""
    series = own_intervals(request, settings)
    raw = daily_sums(
        series.as_panel(request.service_id),
        as_of=series.ends_at,
        lookback_days=max(settings.lookback_days, settings.prior_lookback_days),
    )
    history, shares = raw.in_events()
    changed = still_there(request.changed, history)
    daily_traffic = float(history.expected_daily_traffic()[0])
    window_days = request.window.length / _DAY
    seed = seed_of(request.service_id, SliType.AVAILABILITY, request.window)
    window_rng, composite_rng = streams(seed)
    numbers = WindowNumbers.of(window_rng, settings.n_draws)
    known = ServicePrior.of(prior, request.service_id)
    predictive = window_predictive(
        history,
        known,
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
        prior=known,
        share_of_time=bool(shares[0]),
        daily_traffic=daily_traffic,
        window_days=window_days,
        numbers=numbers,
        predictive=predictive,
        changed=changed,
        caps=AvailabilityCaps(
            daily_traffic * window_days, composite, promised, weakest, share_of_time=bool(shares[0])
        ),
        seed=seed,
    )


def window_predictive(
    history: DailyHistory,
    prior: OrganizationPrior | ServicePrior,
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


def own_intervals(request: AvailabilityRequest, settings: EngineSettings) -> OwnSeries:
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
