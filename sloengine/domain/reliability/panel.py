"""Series of good and valid events of many services side by side.

NaN means *no data* and is never turned into 0 or 100 %. All panels are aligned to UTC multiples of their step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

type FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SliPanel:
    """Good and valid events per service and interval.

    ``good`` and ``total``: shape (n_services, n_intervals), oldest first, NaN where there is no data;
    0 <= good <= total. Interval i covers [start_at + i*step, start_at + (i+1)*step). Fractions are allowed.
    ``coverage``: share of each interval that was seen, in [0, 1], same shape: less than 1 where finer intervals
    were summed up and some of them had no data. None: every interval with data was seen from begin to end. What
    counts time takes ``seen``; that an interval has data does not say that all of it was watched.
    """

    service_ids: tuple[str, ...]
    start_at: datetime
    step: timedelta
    good: FloatArray
    total: FloatArray
    coverage: FloatArray | None = None

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

    @property
    def seen(self) -> FloatArray:
        """Share of each interval that was seen, 0 where there is no data; shape as ``total``."""
        known = ~(np.isnan(self.total) | np.isnan(self.good))
        return known.astype(np.float64) if self.coverage is None else np.where(known, self.coverage, 0.0)

    @property
    def seen_intervals(self) -> FloatArray:
        """Intervals that were seen, those seen in part with that part; shape (n_services,)."""
        if self.coverage is None:  # of a whole organisation shares would take eight times the memory
            return np.asarray((~(np.isnan(self.total) | np.isnan(self.good))).sum(axis=1), np.float64)
        return np.asarray(self.seen.sum(axis=1))

    @property
    def known_days(self) -> FloatArray:
        """Days that were seen, shape (n_services,)."""
        return self.seen_intervals * (self.step / timedelta(days=1))

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
        coverage = None if self.coverage is None else np.where(absent[:, None], 0.0, self.coverage[picked])
        return SliPanel(tuple(service_ids), self.start_at, self.step, good, total, coverage)

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
            None if self.coverage is None else self.coverage[:, first:last],
        )

    def at_step(self, step: timedelta) -> SliPanel:
        """Summed up to a multiple of its step, on UTC multiples of that, with how much of each sum was seen.

        Raises: ValueError, if it is no multiple.
        """
        times, rest = divmod(step, self.step)
        if rest or times < 1:
            raise ValueError(f"{step} is no multiple of {self.step}")
        if times == 1:
            return self
        before = ((self.start_at - datetime.fromtimestamp(0, tz=UTC)) % step) // self.step
        around = ((0, 0), (before, -(before + self.total.shape[1]) % times))
        known = ~(np.isnan(self.total) | np.isnan(self.good))

        def summed(values: FloatArray) -> FloatArray:
            padded = np.pad(np.where(known, values, 0.0), around)
            return np.asarray(padded.reshape(len(padded), -1, times).sum(axis=2))

        coverage = summed(self.seen) / times
        none = summed(known.astype(np.float64)) == 0.0
        return SliPanel(
            self.service_ids,
            self.start_at - before * self.step,
            step,
            np.where(none, np.nan, summed(self.good)),
            np.where(none, np.nan, summed(self.total)),
            None if bool((none | (coverage >= 1.0)).all()) else coverage,
        )


def below_each_other(panels: Sequence[SliPanel]) -> SliPanel:
    """One panel of the rows of several that were read of the same time, each at a step of its own.

    At the least common multiple of the steps. Raises: ValueError, when there is none to put together.
    """
    if not panels:
        raise ValueError("no panel")
    step = math.lcm(*(panel.step // timedelta(seconds=1) for panel in panels)) * timedelta(seconds=1)
    coarse = [panel.at_step(step) for panel in panels]
    start_at = min(panel.start_at for panel in coarse)
    count = max((panel.ends_at - start_at) // step for panel in coarse)

    def stacked(values: Sequence[FloatArray], fill: float) -> FloatArray:
        laid = []
        for panel, rows in zip(coarse, values, strict=True):
            first = (panel.start_at - start_at) // step
            around = ((0, 0), (first, count - first - rows.shape[1]))
            laid.append(np.pad(rows, around, constant_values=fill))
        return np.concatenate(laid)

    return SliPanel(
        tuple(one for panel in coarse for one in panel.service_ids),
        start_at,
        step,
        stacked([panel.good for panel in coarse], np.nan),
        stacked([panel.total for panel in coarse], np.nan),
        None
        if all(panel.coverage is None for panel in coarse)
        else stacked([panel.seen for panel in coarse], 0.0),
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
