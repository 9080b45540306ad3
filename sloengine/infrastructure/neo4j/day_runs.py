"""Stored days of one series as they are read, and many of them put together on one grid."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.neo4j.day_series import DAY_SECONDS, coarser, coarser_coverage
from sloengine.infrastructure.neo4j.instants import day_number, day_start

type IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DayRun:
    """Days of one series that are stored at the same step.

    ``days``: days since 1970, ascending, shape (n_days,). ``part`` and ``whole``: shape (n_days, intervals a day),
    NaN where there is no data. ``coverage``: share of each interval that was seen, same shape; None: all of those
    with data. Read-only: runs are shared between readers.
    """

    step_seconds: int
    days: IntArray
    part: FloatArray
    whole: FloatArray
    coverage: FloatArray | None = None

    @classmethod
    def of(
        cls,
        step_seconds: int,
        days: Sequence[int],
        part: Sequence[object],
        whole: Sequence[object],
        coverage: Sequence[object | None] | None = None,
    ) -> DayRun:
        """From a row of the database, in whatever order its days are."""
        numbers = np.array(days, np.int64)
        order = np.argsort(numbers, kind="stable")
        wholes = np.array(whole, np.float64)[order]
        shares: FloatArray | None = None
        if coverage is not None and any(one is not None for one in coverage):
            shares = np.ones_like(wholes)
            for place, source in enumerate(order.tolist()):
                if coverage[source] is not None:
                    shares[place] = np.asarray(coverage[source], np.float64)
        return cls(step_seconds, numbers[order], np.array(part, np.float64)[order], wholes, shares)

    def between(self, first: int, last: int) -> DayRun:
        """The days from ``first`` to ``last``, both included."""
        begin, end = np.searchsorted(self.days, [first, last + 1]).tolist()
        if begin == 0 and end == len(self.days):
            return self
        return self.taken(slice(begin, end))

    def taken(self, some: slice | npt.NDArray[np.bool_]) -> DayRun:
        """Some of the days."""
        coverage = None if self.coverage is None else self.coverage[some]
        return DayRun(self.step_seconds, self.days[some], self.part[some], self.whole[some], coverage)

    @property
    def value_count(self) -> int:
        """Numbers held."""
        return (2 if self.coverage is None else 3) * self.whole.size + self.days.size


def joined(
    runs: Iterable[tuple[int, DayRun]], row_count: int, from_at: datetime, to_at: datetime
) -> tuple[datetime, timedelta, FloatArray, FloatArray, FloatArray | None]:
    """Start, step, parts, wholes and coverage of the intervals that begin in [from_at, to_at).

    ``runs``: with the row that each belongs to. The step is the coarsest of the runs' (the least common multiple
    where none divides the others), an hour when there are none; finer values are summed up to it, and how much of
    each sum was seen is its coverage; None: all of every one with data. Shape (row_count, n_intervals).
    """
    first, last = day_number(from_at), day_number(to_at - timedelta(microseconds=1))
    cut = [(row, held) for row, run in runs if (held := run.between(first, last)).days.size]
    # Where all are in one step that begins with the range, what lies outside of it is cut off at the end.
    steps = {run.step_seconds for _, run in cut}
    is_even = len(steps) == 1 and not (from_at - day_start(first)) % timedelta(seconds=next(iter(steps)))
    if is_even and any(_within(run, from_at, to_at).days.size for _, run in cut):
        inside = cut
    else:
        inside = [(row, left) for row, run in cut if (left := _within(run, from_at, to_at)).days.size]
    step_seconds = math.lcm(*{run.step_seconds for _, run in inside}) if inside else 3600
    step = timedelta(seconds=step_seconds)
    per_day = DAY_SECONDS // step_seconds
    shape = (row_count, max(0, last - first + 1), per_day)
    parts, wholes = np.full(shape, np.nan), np.full(shape, np.nan)
    partly: list[tuple[int, IntArray | slice, FloatArray]] = []
    for row, run in inside:
        times = step_seconds // run.step_seconds
        places = _places(run.days - first)
        parts[row, places] = coarser(run.part, times)
        wholes[row, places] = coarser(run.whole, times)
        seen = coarser_coverage(run.whole, run.coverage, times)
        if seen is not None:
            partly.append((row, places, seen))
    begin = (from_at - day_start(first)) // step
    end = max(begin, -((day_start(first) - to_at) // step))
    part, whole = parts.reshape(row_count, shape[1] * per_day), wholes.reshape(row_count, shape[1] * per_day)
    coverage: FloatArray | None = None
    if partly:
        shares = (~np.isnan(wholes)).astype(np.float64)
        for row, places, seen in partly:
            shares[row, places] = np.where(np.isnan(wholes[row, places]), 0.0, seen)
        coverage = shares.reshape(whole.shape)[:, begin:end]
    return day_start(first) + begin * step, step, part[:, begin:end], whole[:, begin:end], coverage


def _places(days: IntArray) -> IntArray | slice:
    """Days without a gap as a slice, which is several times as fast to write to."""
    begin, end = int(days[0]), int(days[-1]) + 1
    return slice(begin, end) if end - begin == len(days) else days


def _within(run: DayRun, from_at: datetime, to_at: datetime) -> DayRun:
    """The run without the intervals that begin outside of [from_at, to_at); days of which nothing is left go."""
    step = timedelta(seconds=run.step_seconds)
    per_day = DAY_SECONDS // run.step_seconds
    keep = np.ones(run.whole.shape, dtype=bool)
    cut = np.zeros(len(run.days), dtype=bool)
    for at in {0, len(run.days) - 1} if run.days.size else ():
        start = day_start(int(run.days[at]))
        begin = max(0, -((start - from_at) // step))
        end = max(begin, min(per_day, -((start - to_at) // step)))
        if begin > 0 or end < per_day:
            cut[at] = True
            keep[at, :begin] = keep[at, end:] = False
    if not cut.any():
        return run
    part, whole = np.where(keep, run.part, np.nan), np.where(keep, run.whole, np.nan)
    left = ~(cut & np.isnan(whole).all(axis=1))
    return DayRun(run.step_seconds, run.days, part, whole, run.coverage).taken(left)
