"""Series of good and valid events of many services side by side.

NaN means *no data* and is never turned into 0 or 100 %. All panels are aligned to UTC multiples of their step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SliPanel:
    """Good and valid events per service and interval.

    ``good`` and ``total``: shape (n_services, n_intervals), oldest first, NaN where there is no data;
    0 <= good <= total. Interval i covers [start_at + i*step, start_at + (i+1)*step). Fractions are allowed.
    """

    service_ids: tuple[str, ...]
    start_at: datetime
    step: timedelta
    good: FloatArray
    total: FloatArray

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each service id."""
        return {service_id: row for row, service_id in enumerate(self.service_ids)}

    @property
    def ends_at(self) -> datetime:
        """End of the last interval."""
        return self.start_at + self.step * int(self.total.shape[1])

    @property
    def bad(self) -> FloatArray:
        """Failed events, NaN where there is no data."""
        return self.total - self.good

    def select(self, service_ids: Sequence[str]) -> SliPanel:
        """The panel of these services, in this order; a service without a row gets NaN."""
        picked = [self.rows.get(service_id, -1) for service_id in service_ids]
        absent = np.array([row < 0 for row in picked], dtype=bool)
        if not self.service_ids:
            shape = (len(picked), self.total.shape[1])
            return SliPanel(
                tuple(service_ids), self.start_at, self.step, np.full(shape, np.nan), np.full(shape, np.nan)
            )
        good, total = self.good[picked].copy(), self.total[picked].copy()
        good[absent], total[absent] = np.nan, np.nan
        return SliPanel(tuple(service_ids), self.start_at, self.step, good, total)

    def between(self, from_at: datetime, to_at: datetime) -> SliPanel:
        """The intervals that lie wholly in [from_at, to_at)."""
        first = max(0, -((self.start_at - from_at) // self.step))
        last = min(self.total.shape[1], max(0, (to_at - self.start_at) // self.step))
        first = min(first, last)
        return SliPanel(
            self.service_ids,
            self.start_at + self.step * first,
            self.step,
            self.good[:, first:last],
            self.total[:, first:last],
        )


@dataclass(frozen=True)
class EdgePanel:
    """Calls and failed calls per (caller, dependency) pair and interval, where service-graph metrics exist.

    ``calls`` and ``failed``: shape (n_pairs, n_intervals), aligned as ``SliPanel``; NaN where there is no data.
    """

    pairs: tuple[tuple[str, str], ...]
    start_at: datetime
    step: timedelta
    calls: FloatArray
    failed: FloatArray


@dataclass(frozen=True)
class LatencyHistory:
    """Daily latency histograms of one service.

    ``bounds_seconds``: shape (n_bounds,), ascending upper bounds, the last is +inf. ``counts``: shape
    (n_days, n_bounds), requests of the day with latency in (bound[i-1], bound[i]] (not cumulative);
    a row of NaN is a day without data. Day i is start_at + i days, UTC midnight.
    ``percentiles_only``: latency is known only as percentiles, so no target can be given.
    """

    service_id: str
    start_at: datetime
    bounds_seconds: FloatArray
    counts: FloatArray
    percentiles_only: bool = False
