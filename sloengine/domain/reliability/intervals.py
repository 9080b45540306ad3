"""Intervals that stay honest with few events and with series that remember.

Counts: Clopper-Pearson, and for the next window the Jeffreys beta-binomial. Series: moving-block bootstrap,
widened where autocorrelation leaves few effective points and refused where it leaves next to none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, betaln, gammaln, ndtri, stdtrit

from sloengine.domain.reliability.panel import FloatArray

LEAST_EFFECTIVE_POINTS = 5.0
"""Fewer independent points than this carry no interval."""
FEW_EFFECTIVE_POINTS = 30.0
"""Fewer than this: the interval is widened."""
_MOST_ENUMERATED = 200_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval that covers the truth with probability ``level``."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class SeriesInterval:
    """An interval of a series' mean, or why there is none.

    ``effective_points``: points left after autocorrelation; ``widened_by``: factor on the bootstrap's half-widths.
    """

    interval: Interval | None
    effective_points: float
    widened_by: float = 1.0
    refused: str | None = None


def clopper_pearson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Exact interval of a success ratio; never shorter than its level says.

    Counts may be fractions. No trials: [0, 1].
    Source: Clopper & Pearson (1934), Biometrika 26:404, in its beta-quantile form.
    Raises: ValueError, if not 0 <= successes <= trials or level is outside (0, 1).
    """
    if not 0 <= successes <= trials:
        raise ValueError("need 0 <= successes <= trials")
    if not 0 < level < 1:
        raise ValueError("level must lie in (0, 1)")
    tail, failures = (1 - level) / 2, trials - successes
    low = 0.0 if successes == 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Interval(low, high, level)


def jeffreys_predictive_failures(
    failures: float, requests: float, window_requests: int, level: float, *, design_effect: float = 1.0
) -> int:
    """Failures that the next ``window_requests`` stay at or below with probability ``level``.

    Beta-binomial predictive under Jeffreys' prior; past counts are divided by the design effect, because
    requests that fail together are not independent evidence.
    Source: Brown, Cai & DasGupta (2001), Statistical Science 16:101, for the prior.

    >>> jeffreys_predictive_failures(0, 3_000, 3_000, 0.95)
    2
    """
    if not 0 <= failures <= requests or window_requests < 0:
        raise ValueError("need 0 <= failures <= requests and window_requests >= 0")
    if not 0 < level < 1 or design_effect < 1:
        raise ValueError("level must lie in (0, 1) and design_effect be at least 1")
    a = failures / design_effect + 0.5
    b = (requests - failures) / design_effect + 0.5
    n = window_requests
    if n > _MOST_ENUMERATED:
        # So many requests that the sampling noise is nothing beside the rate's.
        return min(n, math.ceil(float(betaincinv(a, b, level)) * n))
    k = np.arange(n + 1, dtype=np.float64)
    log = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(k + a, n - k + b) - betaln(a, b)
    return int(np.searchsorted(np.cumsum(np.exp(log)), level - 1e-12))


def effective_points(series: FloatArray) -> float:
    """Independent points a stationary series is worth: n / (1 + 2 sum of its autocorrelations).

    Source: Geyer (1992), initial positive sequence: the sum stops at the first pair that is not positive.
    """
    n = len(series)
    centred = series - series.mean() if n else series
    power = float((centred * centred).sum())
    if n < 3 or power <= 0:
        return float(n)
    correlation = np.correlate(centred, centred, "full")[n - 1 :] / power
    total = 0.0
    for lag in range(1, n - 1, 2):
        pair = float(correlation[lag] + correlation[lag + 1])
        if pair <= 0:
            break
        total += pair
    return float(np.clip(n / (1 + 2 * total), 1.0, n))


def block_bootstrap_mean(
    series: FloatArray,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    weights: FloatArray | None = None,
    replicates: int = 500,
) -> SeriesInterval:
    """Interval of the (weighted) mean of a series that remembers its past.

    Moving blocks as long as the memory; with fewer than 30 effective points the half-widths grow by the ratio of
    Student's to the normal quantile, with fewer than 5 there is no interval. Points that are NaN are left out.
    Source: Künsch (1989), Annals of Statistics 17:1217.
    """
    keep = ~np.isnan(series)
    values = series[keep]
    mass = np.ones(len(values)) if weights is None else weights[keep]
    points = effective_points(values)
    if len(values) == 0 or points < LEAST_EFFECTIVE_POINTS or float(mass.sum()) <= 0:
        reason = f"{points:.1f} independent points carry no interval; {LEAST_EFFECTIVE_POINTS:.0f} are needed"
        return SeriesInterval(None, points, refused=reason)
    n = len(values)
    block = min(n, max(1, math.ceil(n / points), round(n ** (1 / 3))))
    starts = rng.integers(0, n, (replicates, math.ceil(n / block)))
    # Blocks wrap around, so that every point is drawn equally often.
    index = ((starts[:, :, None] + np.arange(block)) % n).reshape(replicates, -1)[:, :n]
    means = (values[index] * mass[index]).sum(axis=1) / np.maximum(mass[index].sum(axis=1), 1e-300)
    centre = float((values * mass).sum() / mass.sum())
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    widened = _student_over_normal(points, level) if points < FEW_EFFECTIVE_POINTS else 1.0
    return SeriesInterval(
        Interval(centre - widened * max(0.0, centre - low), centre + widened * max(0.0, high - centre), level),
        points,
        widened,
    )


def _student_over_normal(points: float, level: float) -> float:
    upper = (1 + level) / 2
    return float(stdtrit(max(1.0, points - 1), upper) / ndtri(upper))
