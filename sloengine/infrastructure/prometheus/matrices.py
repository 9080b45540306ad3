"""Range answers as arrays on an hourly grid. What is absent stays NaN: no data is not 100 %."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

type Key = tuple[str, ...]


def on_grid(
    result: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    *,
    first_end: float,
    step_seconds: float,
    count: int,
    key_of: Callable[[Key], Key | None],
) -> dict[Key, FloatArray]:
    """Each series as an array of ``count`` values, summed where several series have the same key.

    Value i was evaluated at ``first_end`` + i steps. ``key_of`` turns label values into a key or None
    (not wanted). NaN and infinite values are no data.
    """
    rows: dict[Key, FloatArray] = {}
    for series in result:
        metric = series["metric"]
        key = key_of(tuple(str(metric.get(label, "")) for label in labels))
        if key is None:
            continue
        pairs = np.asarray(series["values"], dtype=np.float64)
        places = np.rint((pairs[:, 0] - first_end) / step_seconds).astype(np.int64)
        inside = (places >= 0) & (places < count) & np.isfinite(pairs[:, 1])
        row = rows.setdefault(key, np.full(count, np.nan))
        at = places[inside]
        row[at] = np.where(np.isnan(row[at]), 0.0, row[at]) + pairs[inside, 1]
    return rows


def histogram_rows(
    cumulative: Mapping[float, FloatArray],
) -> tuple[FloatArray, FloatArray, bool]:
    """Cumulative rows per bound → ascending bounds with +inf last, counts per bucket, and whether it was mended.

    Counts have shape (n_intervals, n_bounds). Rates extrapolated per series may fall by a hair from one bound
    to the next; they are made monotone. A fall of more than 1 % means that instances with different bucket layouts
    were added up: the third value is then True.
    """
    bounds = np.array(sorted(cumulative), dtype=np.float64)
    if not len(bounds) or not np.isposinf(bounds[-1]):
        raise ValueError("a histogram without a +Inf bucket")
    stacked = np.stack([cumulative[float(bound)] for bound in bounds], axis=1)
    absent = np.isnan(stacked[:, -1])
    filled = np.where(np.isnan(stacked), 0.0, stacked)
    monotone = np.maximum.accumulate(filled, axis=1)
    mixed = bool(np.any((monotone - filled)[~absent] > 0.01 * np.maximum(monotone[~absent], 1.0)))
    counts = np.diff(monotone, axis=1, prepend=0.0)
    counts[absent] = np.nan
    return bounds, counts, mixed
