"""Native histograms: buckets that come inside a sample, brought to bounds that people use.

The buckets end at powers of two (2 to the 1/8 at the usual resolution), which are no thresholds to publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.prometheus.matrices import Key

_FIGURES = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5)
NATIVE_BOUNDS_SECONDS = tuple(
    float(f"{figure * decade:.6g}")
    for decade in (0.001, 0.01, 0.1, 1.0, 10.0)
    for figure in _FIGURES
    if figure * decade <= 60.0
)
"""Thresholds that are counted: ten a decade, at most a third apart, OpenTelemetry's advised bounds among them."""
_WIDEST_RATIO = 2.0 * (1 + 1e-9)
_AROUND_ZERO_SECONDS = 0.001


def native_rows(
    result: Sequence[Mapping[str, Any]],
    label: str,
    grid: tuple[float, float, int],
    key_of: Callable[[Key], Key | None],
    unit_seconds: float,
) -> dict[Key, FloatArray | None]:
    """Each service's counts per bucket, shape (count, n_bounds + 1); None where its buckets are too wide.

    ``grid``: unix second of the first value, seconds a step, count. What is absent stays NaN. Several series
    of one key are added.
    """
    first_end, step_seconds, count = grid
    bounds = np.array(NATIVE_BOUNDS_SECONDS) / unit_seconds
    rows: dict[Key, FloatArray | None] = {}
    for series in result:
        key = key_of((str(series["metric"].get(label, "")),))
        if key is None:
            continue
        row = rows.setdefault(key, np.full((count, len(bounds) + 1), np.nan))
        for at, histogram in series.get("histograms", ()):
            place = round((float(at) - first_end) / step_seconds)
            if row is None or not 0 <= place < count:
                continue
            counts = _counts(histogram, bounds, _AROUND_ZERO_SECONDS / unit_seconds)
            if counts is None:
                row = rows[key] = None
            else:
                row[place] = np.where(np.isnan(row[place]), 0.0, row[place]) + counts
    return rows


def _counts(histogram: Mapping[str, Any], bounds: FloatArray, around_zero: float) -> FloatArray | None:
    """Counts between the bounds, linear within a bucket, as ``histogram_fraction`` of Prometheus 2 has them.

    Prometheus 3 is exponential within a bucket; on buckets an eighth of a doubling wide the two differ by at
    most 1.1 % of the count of the one bucket that the bound cuts.
    """
    total = float(histogram["count"])
    buckets = np.array([[float(edge) for edge in bucket[1:4]] for bucket in histogram.get("buckets", ())])
    if not len(buckets):
        return np.append(np.zeros(len(bounds)), total)
    lower, upper, inside = np.maximum(buckets[:, 0], 0.0), buckets[:, 1], buckets[:, 2]
    narrow = (upper <= lower * _WIDEST_RATIO) | (upper <= around_zero) | (inside <= 0)
    if not narrow.all():
        return None
    width = np.where(upper > lower, upper - lower, 1.0)
    share = np.clip((bounds[None, :] - lower[:, None]) / width[:, None], 0.0, 1.0)
    cumulative = np.append((share * inside[:, None]).sum(axis=0), total)
    return np.asarray(np.diff(np.maximum.accumulate(cumulative), prepend=0.0))
