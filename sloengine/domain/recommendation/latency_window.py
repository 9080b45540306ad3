"""What a latency recommendation is made from: the days cut and described, the next window drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.latency_days import LatencyDays, describe_days
from sloengine.domain.recommendation.latency_margin import margin_ratio
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers
from sloengine.domain.recommendation.latency_predictive import LatencyPredictive, predict_latency
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_refusal import no_histogram, refusal, unavailable
from sloengine.domain.recommendation.latency_replay import LatencySeries, latency_series
from sloengine.domain.recommendation.latency_tiers import LatencyCase
from sloengine.domain.recommendation.model import RecommendationUnavailable, SliType, UnavailableReason
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.seed import generator, seed_of
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.figures import figure_text

_DAY = timedelta(days=1)
_TRAFFIC_DAYS = 28


@dataclass(frozen=True)
class PreparedLatency:
    """What the tiers are made from, and the seed of its random numbers."""

    case: LatencyCase
    seed: str


def prepare_latency(
    request: LatencyRequest, prior: LatencyPrior, settings: EngineSettings
) -> PreparedLatency | RecommendationUnavailable:
    """Draw the next window from what the request says, or tell why there is no recommendation."""
    as_of = request.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    refused = refusal(request)
    if refused is not None or request.history is None:
        return refused or no_histogram(request)
    history = request.history
    series = latency_series(
        history, as_of=as_of, lookback_days=settings.lookback_days, window=request.window.length
    )
    if not series.known.any():
        message = (
            f"Not enough data: {request.service_id} has no complete day with requests in the "
            f"{settings.lookback_days} days before {series.ends_at:%Y-%m-%d} UTC."
        )
        return unavailable(request, UnavailableReason.NO_DATA, message)
    days = _days(series)
    if days is None:
        message = (
            f"The histogram of {request.service_id} cannot carry a target: on most days more than 5 % of its "
            f"requests are slower than its last bound, {figure_text(history.bounds_seconds[-2] * 1000, 6)} ms. "
            f"Add larger buckets."
        )
        return unavailable(request, UnavailableReason.NO_HISTOGRAM, message, series)
    return _case(request, prior, settings, series, days)


def _case(
    request: LatencyRequest,
    prior: LatencyPrior,
    settings: EngineSettings,
    series: LatencySeries,
    days: LatencyDays,
) -> PreparedLatency:
    window_days = request.window.length / _DAY
    seed = seed_of(request.service_id, SliType.LATENCY, request.window)
    numbers = LatencyNumbers.of(days, generator(seed), settings.n_latency_draws, window_days)
    predictive = latency_window(
        days, prior, request.service_id, numbers, window_days=window_days, changed=request.changed
    )
    windows = series.disjoint_windows
    return PreparedLatency(
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
    found = predict_latency(days, prior, service_id, numbers, window_days=window_days)
    if changed is None:
        return found
    slower_by = changed.slower_by
    return replace(found, p95_seconds=found.p95_seconds * slower_by, p99_seconds=found.p99_seconds * slower_by)


def _days(series: LatencySeries) -> LatencyDays | None:
    known = series.known
    ages = np.arange(len(series.counts), dtype=np.float64)[::-1] + 0.5
    return describe_days(series.bounds_seconds, series.counts[known], ages[known])
