"""Latency day by day, relative to the service's own base: the form in which services can be compared.

A day is its *tail*: the share of requests slower than each multiple of the service's base p95. Tails add: what
an incident adds to the window is its days' excess tail over the window's length, whatever the rest of it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

FACTORS = np.exp(np.linspace(np.log(0.3), np.log(64.0), 97))
"""Multiples of the base p95, shape (n_factors,), ascending."""
AT_BASE = int(np.argmax(FACTORS >= 1.0))
"""Position of the base p95 itself."""
LEAST_EXCESS = 0.02
"""A bad day has at least this share of its requests slower than a base day has."""
_SPREADS = 5.0
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LatencyDays:
    """One service's days with data, oldest first.

    ``counts``: requests per bucket, shape (n_days, n_bounds); ``ages`` in days before as-of; ``scale_seconds``:
    base p95; ``tails``: shape (n_days, n_factors); ``bad``: days of an incident. ``shapes``: excess tail of each
    episode, summed over its days in units of a usual day's traffic, shape (n_episodes, n_factors), with their
    ``episode_ages``. ``weekly_log_sd`` of the base p95 from ``weeks`` weeks.
    """

    bounds_seconds: FloatArray
    counts: FloatArray
    ages: FloatArray
    scale_seconds: float
    tails: FloatArray
    bad: npt.NDArray[np.bool_]
    shapes: FloatArray
    episode_ages: FloatArray
    weekly_log_sd: float
    weeks: float

    @property
    def requests(self) -> FloatArray:
        """Requests of each day."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def running(self) -> bool:
        """Whether the last day before as-of is a bad one."""
        return bool(len(self.bad) and self.bad[-1] and self.ages[-1] < 1.0)


def cut_history(history: LatencyHistory, *, as_of: datetime, lookback_days: int) -> tuple[FloatArray, FloatArray]:
    """Counts and ages of the whole UTC days with requests in the look-back before as-of (floored to the day)."""
    end = (as_of - history.start_at) // _DAY
    first, last = max(0, end - lookback_days), max(0, min(end, len(history.counts)))
    counts = history.counts[first:last]
    ages = end - np.arange(first, max(first, last), dtype=np.float64) - 0.5
    used = ~np.isnan(counts).any(axis=1) & (np.nansum(counts, axis=1) > 0)
    return counts[used], ages[used]


def percentile_seconds(counts: FloatArray, bounds: FloatArray, ratio: float) -> FloatArray:
    """Percentile of each histogram, linear within a bucket as Prometheus' ``histogram_quantile`` has it.

    ``counts``: shape (n, n_bounds), not cumulative. Infinite where it lies above the last finite bound.
    """
    total = counts.sum(axis=1)
    cumulative = np.cumsum(counts, axis=1)
    wanted = ratio * total
    bucket = np.minimum((cumulative < wanted[:, None] - 1e-9).sum(axis=1), len(bounds) - 1)
    rows = np.arange(len(counts))
    upper = bounds[bucket]
    lower = np.where(bucket > 0, bounds[np.maximum(bucket - 1, 0)], 0.0)
    inside = counts[rows, bucket]
    before = cumulative[rows, bucket] - inside
    share = np.clip((wanted - before) / np.maximum(inside, 1e-300), 0.0, 1.0)
    result = np.full(len(counts), np.inf)
    finite = np.isfinite(upper)
    result[finite] = lower[finite] + (upper[finite] - lower[finite]) * share[finite]
    return result


def tails_at(counts: FloatArray, bounds: FloatArray, seconds: FloatArray) -> FloatArray:
    """Share of each histogram's requests slower than these latencies, shape (n, n_seconds)."""
    finite = bounds[:-1]
    edges = np.r_[0.0, finite]
    cumulative = np.c_[np.zeros(len(counts)), np.cumsum(counts[:, :-1], axis=1)]
    cumulative /= np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    right = np.clip(np.searchsorted(edges, seconds, side="left"), 1, len(edges) - 1)
    left = right - 1
    weight = np.clip((seconds - edges[left]) / (edges[right] - edges[left]), 0.0, 1.0)
    return np.asarray(1.0 - (cumulative[:, left] * (1 - weight) + cumulative[:, right] * weight))


def describe_days(bounds: FloatArray, counts: FloatArray, ages: FloatArray) -> LatencyDays | None:
    """Find base and bad days. None: no requests, or the base p95 lies above the last finite bound.

    ``bounds``: in seconds, ascending, shape (n_bounds,). ``counts``: requests in each bucket, shape (n_days,
    n_bounds). ``ages``: of the days, in days, shape (n_days,).
    """
    if len(counts) == 0 or len(bounds) < 2:
        return None
    p95 = percentile_seconds(counts, bounds, 0.95)
    scale = float(np.median(p95))
    if not np.isfinite(scale) or scale <= 0:
        return None
    tails = tails_at(counts, bounds, FACTORS * scale)
    usual = np.median(tails, axis=0)
    slow = FACTORS >= 1.0
    excess = np.maximum(0.0, tails - usual)
    statistic = excess[:, slow].max(axis=1)
    middle = float(np.median(statistic))
    spread = 1.4826 * float(np.median(np.abs(statistic - middle)))
    requests = counts.sum(axis=1)
    noise = 4 * np.sqrt(0.06 / requests)
    bad = statistic > np.maximum(LEAST_EXCESS, middle + _SPREADS * spread) + noise
    if bad.all():
        bad[:] = False
    excess[:, ~slow] = 0.0
    # Below the base p95 the excess cannot be told from the base's own shape: carry the value at 1 down.
    excess[:, ~slow] = excess[:, [int(np.argmax(slow))]]
    starts = bad & ~np.r_[False, bad[:-1] & (np.diff(ages) > -1.5)]
    label = np.cumsum(starts) - 1
    weight = requests / max(float(requests.mean()), 1e-300)
    shapes = np.zeros((int(starts.sum()), len(FACTORS)))
    np.add.at(shapes, label[bad], excess[bad] * weight[bad, None])
    log_sd, weeks = _weekly_spread(p95, bad, ages)
    return LatencyDays(bounds, counts, ages, scale, tails, bad, shapes, ages[starts], log_sd, weeks)


def _weekly_spread(p95: FloatArray, bad: npt.NDArray[np.bool_], ages: FloatArray) -> tuple[float, float]:
    """Standard deviation of the weekly mean of log p95 over base days, and the weeks behind it."""
    usable = ~bad & np.isfinite(p95) & (p95 > 0)
    week = (ages[usable] // 7).astype(np.int64)
    if week.size == 0:
        return 0.0, 0.0
    size = np.bincount(week)
    sums = np.bincount(week, weights=np.log(p95[usable]))
    full = size >= 4
    n = float(full.sum())
    if n < 2:
        return 0.0, n
    means = sums[full] / size[full]
    return float(means.std(ddof=1)), n
