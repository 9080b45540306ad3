"""Series cut into the days they are stored by.

A *part* and a *whole* stand for good and total of a service, or failed calls and calls of an edge. NaN is no data;
where the whole is NaN, so is the part. A *coverage* is the share of each interval that was seen, in [0, 1]; none:
all of every interval with data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.errors import Invalid
from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.neo4j.instants import day_number, day_start

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class DaySeries:
    """One series' values of one UTC day. ``row``: position of the series; ``day``: days since 1970."""

    row: int
    day: int
    step_seconds: int
    part: FloatArray
    whole: FloatArray
    coverage: FloatArray | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every interval has data."""
        return not bool(np.isnan(self.whole).any())


def days_of(
    start_at: datetime, step: timedelta, part: FloatArray, whole: FloatArray, coverage: FloatArray | None = None
) -> Iterator[DaySeries]:
    """The days of each row that have data.

    ``part``, ``whole``, ``coverage``: shape (n_rows, n_intervals). Raises ``Invalid`` when days do not split into
    such steps or the start is not a multiple of the step.
    """
    seconds = int(step.total_seconds())
    first = day_number(start_at)
    offset = start_at - day_start(first)
    if seconds <= 0 or timedelta(seconds=seconds) != step or DAY_SECONDS % seconds or offset % step:
        raise Invalid(f"a series of {step} steps from {start_at.isoformat()} cannot be cut into days")
    if whole.size == 0:
        return  # no service, or no interval: no day
    before, per_day = offset // step, DAY_SECONDS // seconds
    after = -(before + whole.shape[1]) % per_day
    padding = ((0, 0), (before, after))
    wholes = np.pad(whole, padding, constant_values=np.nan).reshape(whole.shape[0], -1, per_day)
    parts = np.pad(part, padding, constant_values=np.nan).reshape(whole.shape[0], -1, per_day)
    known = ~(np.isnan(wholes) | np.isnan(parts))
    wholes, parts = np.where(known, wholes, np.nan), np.where(known, parts, np.nan)
    shares = None if coverage is None else np.pad(coverage, padding).reshape(wholes.shape)
    for row, day in np.argwhere(known.any(axis=2)):
        seen = None if shares is None else _unless_whole(shares[row, day], wholes[row, day])
        yield DaySeries(int(row), first + int(day), seconds, parts[row, day], wholes[row, day], seen)


def coarser(values: FloatArray, times: int) -> FloatArray:
    """Sums of so many neighbours along the last axis; NaN where none of them has data.

    >>> coarser(np.array([1.0, np.nan, 2.0, 3.0, np.nan, np.nan]), 2)
    array([ 1.,  5., nan])
    """
    if times == 1:
        return values
    grouped = values.reshape(*values.shape[:-1], -1, times)
    return np.where(np.isnan(grouped).all(axis=-1), np.nan, np.nansum(grouped, axis=-1))


def coarser_coverage(whole: FloatArray, coverage: FloatArray | None, times: int) -> FloatArray | None:
    """Share seen of so many neighbours taken together; None where all of every sum with data was seen.

    >>> coarser_coverage(np.array([1.0, np.nan, 2.0, 3.0, np.nan, np.nan]), None, 2)
    array([0.5, 1. , 0. ])
    """
    if times == 1:
        return None if coverage is None else _unless_whole(coverage, whole)
    seen = (~np.isnan(whole)).astype(np.float64) if coverage is None else np.where(np.isnan(whole), 0.0, coverage)
    return _unless_whole(seen.reshape(*seen.shape[:-1], -1, times).sum(axis=-1) / times, coarser(whole, times))


def _unless_whole(coverage: FloatArray, whole: FloatArray) -> FloatArray | None:
    return None if bool((np.isnan(whole) | (coverage >= 1.0)).all()) else coverage


def combined(stored: DaySeries, new: DaySeries) -> DaySeries:
    """One day known at two steps: new values replace the stored ones that they cover.

    The finer step survives where nothing is lost by it; else the day is kept at the coarser one.
    """
    step = math.lcm(stored.step_seconds, new.step_seconds)
    old_times, new_times = step // stored.step_seconds, step // new.step_seconds
    old_whole = coarser(stored.whole, old_times)
    covered = ~np.isnan(new.whole.reshape(-1, new_times)).any(axis=1)
    if new.step_seconds < stored.step_seconds and bool((covered | np.isnan(old_whole)).all()):
        return new
    take_new = covered | np.isnan(old_whole)
    whole = np.where(take_new, coarser(new.whole, new_times), old_whole)
    seen = np.where(take_new, _coverage_of(new, new_times), _coverage_of(stored, old_times))
    return DaySeries(
        new.row,
        new.day,
        step,
        np.where(take_new, coarser(new.part, new_times), coarser(stored.part, old_times)),
        whole,
        _unless_whole(np.where(np.isnan(whole), 0.0, seen), whole),
    )


def _coverage_of(day: DaySeries, times: int) -> FloatArray:
    seen = coarser_coverage(day.whole, day.coverage, times)
    return np.ones(len(day.whole) // times) if seen is None else seen


def in_batches(days: Iterable[DaySeries], values_at_once: int) -> Iterator[Sequence[DaySeries]]:
    """Batches of about so many numbers."""
    batch: list[DaySeries] = []
    size = 0
    for day in days:
        batch.append(day)
        size += 2 * len(day.whole)
        if size >= values_at_once:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
