"""A percentile read off histogram counts."""

from __future__ import annotations

import numpy as np

from sloengine.domain.reliability.panel import FloatArray


def histogram_percentile_seconds(bounds_seconds: FloatArray, counts: FloatArray, q: float) -> float | None:
    """The latency that a share ``q`` of the requests stay within, linear inside its bucket; None without requests.

    ``bounds_seconds``: ascending upper bounds, the last may be +inf. ``counts``: requests per bucket, not
    cumulative; shape (n_buckets,) both. ``q``: in [0, 1]. In the +inf bucket nothing more is known than its lower
    bound, which is returned, as Prometheus does (``histogram_quantile``).

    >>> histogram_percentile_seconds(np.array([0.1, 0.2, np.inf]), np.array([50.0, 50.0, 0.0]), 0.75)
    0.15
    """
    total = float(counts.sum())
    if not total > 0:
        return None
    cumulative = np.cumsum(counts)
    rank = q * total
    bucket = int(np.searchsorted(cumulative, rank, side="left"))
    bucket = min(bucket, len(counts) - 1)
    low = 0.0 if bucket == 0 else float(bounds_seconds[bucket - 1])
    high = float(bounds_seconds[bucket])
    if not np.isfinite(high):
        return low
    before = 0.0 if bucket == 0 else float(cumulative[bucket - 1])
    inside = float(counts[bucket])
    share = (rank - before) / inside if inside > 0 else 1.0
    return low + (high - low) * share
