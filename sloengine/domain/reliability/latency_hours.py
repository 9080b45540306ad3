"""Latency hour by hour: percentiles for watching, never for adding up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

_HOUR = timedelta(hours=1)
_SHARES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class LatencyHours:
    """Percentiles in milliseconds and requests per service and hour, NaN where there is no data.

    Arrays: shape (n_services, n_hours), oldest first; hour i begins at ``start_at`` + i hours.
    """

    service_ids: tuple[str, ...]
    start_at: datetime
    p50_ms: FloatArray
    p95_ms: FloatArray
    p99_ms: FloatArray
    requests: FloatArray


def latency_hours(histories: Sequence[LatencyHistory]) -> LatencyHours | None:
    """Of histories whose rows are hours; None when there is none. They may start at different hours."""
    known = [history for history in histories if not history.percentiles_only and len(history.counts)]
    if not known:
        return None
    start_at = min(history.start_at for history in known)
    hours = max((history.start_at - start_at) // _HOUR + len(history.counts) for history in known)
    values = np.full((len(_SHARES) + 1, len(known), hours), np.nan)
    for row, history in enumerate(known):
        first = (history.start_at - start_at) // _HOUR
        place = slice(first, first + len(history.counts))
        for number, share in enumerate(_SHARES):
            values[number, row, place] = 1000 * percentiles_seconds(history.bounds_seconds, history.counts, share)
        values[-1, row, place] = history.counts.sum(axis=1)
    ids = tuple(history.service_id for history in known)
    return LatencyHours(ids, start_at, values[0], values[1], values[2], values[3])


def percentiles_seconds(bounds_seconds: FloatArray, counts: FloatArray, q: float) -> FloatArray:
    """``histogram_percentile_seconds`` of many histograms at once, NaN where one has no requests or no data.

    ``counts``: shape (n, n_bounds), not cumulative. Result: shape (n,).
    """
    cumulative = np.cumsum(counts, axis=1)
    total = cumulative[:, -1]
    rank = q * total
    bucket = np.minimum((cumulative < rank[:, None]).sum(axis=1), counts.shape[1] - 1)
    rows = np.arange(len(counts))
    low = np.where(bucket == 0, 0.0, bounds_seconds[bucket - 1])
    high = bounds_seconds[bucket]
    before = np.where(bucket == 0, 0.0, cumulative[rows, bucket - 1])
    inside = counts[rows, bucket]
    share = np.where(inside > 0, (rank - before) / np.where(inside > 0, inside, 1.0), 1.0)
    width = np.where(np.isfinite(high), high - low, 0.0)
    result: FloatArray = np.where(total > 0, low + width * share, np.nan)
    return result
