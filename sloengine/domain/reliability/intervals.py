"""Intervals that stay honest with few events and with series that remember.

Counts: Clopper-Pearson, and for the next window the Jeffreys beta-binomial. Series: block bootstrap of what is
left when the memory is taken out, widened where that leaves few effective points, refused where next to none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, betaln, gammaln, ndtri, stdtrit

from sloengine.domain.reliability.autoregression import fit_autoregression, innovations, long_run_gain
from sloengine.domain.reliability.panel import FloatArray

LEAST_EFFECTIVE_POINTS = 5.0
"""Fewer independent points than this carry no interval."""
_MOST_ENUMERATED = 200_000
_STREAM = 28


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
    Raises: ValueError, for more failures than requests, a level outside (0, 1) or a design effect below 1.
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


def block_bootstrap_mean(
    series: FloatArray,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    weights: FloatArray | None = None,
    replicates: int = 500,
) -> SeriesInterval:
    """Interval of the (weighted) mean of a series that remembers its past.

    An autoregression takes most of the memory out; what it leaves is resampled in blocks, and its mean is scaled
    back by the gain of the autoregression. Half-widths grow by the ratio of Student's to the normal quantile for
    the effective points, n times the variance over the long-run variance; fewer than 5 carry no interval.

    Parameters:
        series: shape (n_points,), oldest first, at even steps; NaN are left out.
        weights: traffic of each point; the mean is then sum(weights * series) / sum(weights).

    Source: Bühlmann (1997), Bernoulli 3:123 (sieve); Künsch (1989), Annals of Statistics 17:1217 (blocks).
    """
    keep = ~np.isnan(series) if weights is None else ~np.isnan(series) & (weights > 0)
    values = series[keep]
    n = len(values)
    if n == 0:
        return _refused(0.0)
    mass = np.ones(n) if weights is None else weights[keep]
    centre = float((values * mass).sum() / mass.sum())
    # What each point moves a weighted mean by, to first order.
    influence = (values - centre) * mass / mass.mean()
    coefficients = fit_autoregression(influence)
    left = innovations(influence, coefficients)
    left = left - left.mean()
    gain = long_run_gain(coefficients, n)
    spread = float(left.var()) * gain**2
    points = float(n) if spread <= 0 else float(np.clip(n * influence.var() / spread, 1.0, n))
    if points < LEAST_EFFECTIVE_POINTS:
        return _refused(points)
    low, high = np.quantile(gain * _block_means(left, replicates, rng), [(1 - level) / 2, (1 + level) / 2])
    widened = _student_over_normal(points, level)
    # Reflected: a mean that came out high by so much came from a truth lower by so much.
    interval = Interval(centre - widened * max(0.0, high), centre + widened * max(0.0, -low), level)
    return SeriesInterval(interval, points, widened)


def _refused(points: float) -> SeriesInterval:
    reason = f"{points:.1f} independent points carry no interval; {LEAST_EFFECTIVE_POINTS:.0f} are needed"
    return SeriesInterval(None, points, refused=reason)


def _block_means(values: FloatArray, replicates: int, rng: np.random.Generator) -> FloatArray:
    """Means of resampled series, in blocks of n^(1/3); they wrap around, so every point is drawn equally often."""
    n = len(values)
    block = max(1, round(n ** (1 / 3)))
    blocks = math.ceil(n / block)
    sums = np.concatenate([[0.0], np.cumsum(np.append(values, values[:block]))])
    starts = rng.integers(0, n, (replicates, blocks))
    return np.asarray((sums[starts + block] - sums[starts]).sum(axis=1) / (blocks * block))


def _student_over_normal(points: float, level: float) -> float:
    upper = (1 + level) / 2
    return float(stdtrit(max(1.0, points - 1), upper) / ndtri(upper))


def ratio_interval(good: FloatArray, valid: FloatArray, *, level: float = 0.95) -> Interval | None:
    """Interval of a service's long-run ratio from what it did, or None where its memory leaves too little.

    The wider end of two: failures of a series that come in bursts, and the counts as if each event stood alone,
    which keeps a clean record from meaning that nothing ever fails. The same input gives the same answer.

    Parameters: good, valid: events of each interval, shape (n_points,), oldest first; NaN is no data.
    """
    seen = ~np.isnan(valid) & (valid > 0)
    ratio = np.divide(good, valid, out=np.full(len(valid), np.nan), where=seen)
    rng = np.random.default_rng(_STREAM)
    series = block_bootstrap_mean(ratio, rng, level=level, weights=np.where(seen, valid, 0.0)).interval
    if series is None:
        return None
    total = float(valid[seen].sum())
    counts = clopper_pearson(min(float(good[seen].sum()), total), total, level)
    return Interval(max(0.0, min(series.low, counts.low)), min(1.0, max(series.high, counts.high)), level)
