"""The 95 % interval of a target: where it would lie, were the service's true behaviour known.

The draws mix what may happen with what is not known. Here the two are parted: for many plausible incident rates
the same draws are weighted anew (a draw with k episodes of that rate has Poisson weight), and sizes are scaled by
how well they are known; the spread of the resulting quantiles is the interval. Episodes that come whatever the
rate is, as an outage under way, are in the draws and leave their weights alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, ndtri

from sloengine.domain.recommendation import incident_rate
from sloengine.domain.recommendation.predictive import Predictive
from sloengine.domain.reliability.panel import FloatArray

_PARAMETERS = 40
_LEVEL = 0.95
_STREAM = 71


def unavailability_intervals(predictive: Predictive, levels: Sequence[float]) -> list[tuple[float, float]]:
    """For each level, the 95 % interval of the quantile of unavailability, low before high."""
    quantiles, scale = plausible_quantiles(
        predictive.unavailability,
        predictive.rate_episodes,
        predictive.rate_weights,
        predictive.window_days,
        levels,
        predictive.severity_log_sd,
    )
    base = float(np.median(predictive.base))
    scaled = np.where(quantiles > base, base + scale * np.maximum(0.0, quantiles - base), quantiles)
    return _spans(np.minimum(1.0, scaled))


def latency_intervals(
    seconds: FloatArray,
    rate_episodes: npt.NDArray[np.int64],
    rate_weights: FloatArray,
    window_days: float,
    levels: Sequence[float],
    level_log_sd: float,
) -> list[tuple[float, float]]:
    """For each level, the 95 % interval of the quantile of a percentile, in seconds.

    ``seconds``: draws of the window's percentile, shape (n,). ``rate_episodes``: of each draw, those that come as
    often as the rate of slow spells says. ``rate_weights``: of the rates on the grid. ``level_log_sd``: what is
    not known of the level.
    """
    quantiles, scale = plausible_quantiles(seconds, rate_episodes, rate_weights, window_days, levels, level_log_sd)
    return _spans(quantiles * scale)


def plausible_quantiles(
    draws: FloatArray,
    rate_episodes: npt.NDArray[np.int64],
    rate_weights: FloatArray,
    window_days: float,
    levels: Sequence[float],
    log_sd: float,
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the draws under plausible incident rates, shape (n_levels, 40), and a factor for sizes each.

    ``rate_episodes``: of each draw, those whose number depends on the rate; shape as ``draws``.
    """
    plausible = (np.arange(_PARAMETERS) + 0.5) / _PARAMETERS
    cumulative = np.cumsum(rate_weights)
    picked = np.searchsorted(cumulative / cumulative[-1], plausible)
    rates = incident_rate.RATES[np.minimum(picked, len(incident_rate.RATES) - 1)]
    # A fixed order joins rates and sizes, so that they are independent and the answer is always the same.
    shuffled = np.random.default_rng(_STREAM).permutation(plausible)
    scale = np.exp(log_sd * ndtri(shuffled))
    order = np.argsort(draws, kind="stable")
    weights = np.cumsum(_weights(rate_episodes[order], rates * window_days), axis=1)
    reached = _first_to_reach(weights, weights[:, -1:] * np.asarray(levels))
    return draws[order[reached]].T, scale


def _first_to_reach(rows: FloatArray, wanted: FloatArray) -> npt.NDArray[np.int64]:
    """Place of the first value in each row that reaches what is wanted, by bisection; the last where none does.

    ``rows``: ascending, shape (m, n); ``wanted``: shape (m, k). Returns shape (m, k).
    """
    low, high = np.zeros(wanted.shape, np.int64), np.full(wanted.shape, rows.shape[1] - 1)
    row = np.arange(len(rows))[:, None]
    for _ in range(rows.shape[1].bit_length()):
        middle = (low + high) // 2
        less = rows[row, middle] < wanted
        low, high = np.where(less, np.minimum(middle + 1, high), low), np.where(less, high, middle)
    return low


def _spans(values: FloatArray) -> list[tuple[float, float]]:
    tail = (1 - _LEVEL) / 2
    spans = np.quantile(values, [tail, 1 - tail], axis=1, method="inverted_cdf")
    return [(float(low), float(high)) for low, high in spans.T]


def _weights(count: npt.NDArray[np.int64], mean: FloatArray) -> FloatArray:
    """Weight of each draw, had the mean number of episodes been this; shape (n_means, n_draws)."""
    k = np.arange(int(count.max(initial=0)) + 1)
    seen = np.bincount(count, minlength=len(k)) / len(count)
    log = k * np.log(mean)[:, None] - mean[:, None] - gammaln(k + 1)
    ratio = np.where(seen > 0, np.exp(log) / np.maximum(seen, 1e-300), 0.0)
    return np.asarray(ratio[:, count] + 1e-300)
