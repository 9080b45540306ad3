"""The words of drift: series, detectors, what a confirmed change is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from sloengine.domain.drift.values import expected_bad_ratio, failure_deviations
from sloengine.domain.reliability.panel import FloatArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_LEAST_CHANGE = 1e-3
"""Of a series' size: what moves less has not moved."""
_WEEK_HOURS, _DAY_HOURS = 168, 24
_WEEKS_BEFORE = 4


class Detector(StrEnum):
    """Who votes."""

    PAGE_HINKLEY = "PAGE_HINKLEY"
    ADWIN = "ADWIN"
    KOLMOGOROV_SMIRNOV = "KOLMOGOROV_SMIRNOV"


type FindAlarms = Callable[[Detector, Sequence[float]], Sequence[int]]
"""Positions at which a detector, started fresh, finds a change in these scores; it starts afresh behind each."""


@dataclass(frozen=True, slots=True)
class HourlySeries:
    """One value an hour, NaN where there is no data; shape (n_hours,), oldest first.

    ``first_hour``: hours since 1970 UTC. ``values``: the value itself; with ``total`` the failures among so many
    requests. ``noise``: a deviation of a value that is certainly none; None: a thousandth of its size.
    """

    first_hour: int
    values: FloatArray
    total: FloatArray | None = None
    noise: float | None = None

    @property
    def ends(self) -> int:
        """The hour behind the last one."""
        return self.first_hour + len(self.values)

    def between(self, first: int, end: int) -> HourlySeries:
        """The hours in [first, end) that it has."""
        begin = min(max(first - self.first_hour, 0), len(self.values))
        stop = max(begin, end - self.first_hour)
        total = None if self.total is None else self.total[begin:stop]
        return HourlySeries(self.first_hour + begin, self.values[begin:stop], total, self.noise)

    def expected_ratio(self) -> float | None:
        """Failures per request of an ordinary hour; None for a series that is its own value."""
        return None if self.total is None else expected_bad_ratio(self.values, self.total)

    def comparable(self, expected_ratio: float | None) -> FloatArray:
        """Values that hours with different traffic can be compared by."""
        if self.total is None or expected_ratio is None:
            return self.values
        return failure_deviations(self.values, self.total, expected_ratio)

    def least_change(self) -> float:
        """A deviation that is certainly none, in the unit of the comparable values."""
        if self.noise is not None:
            return self.noise
        if self.total is not None:
            return 1.0  # of a standard normal deviate
        known = np.abs(self.values[~np.isnan(self.values)])
        return _LEAST_CHANGE * float(np.median(known)) if len(known) else _LEAST_CHANGE

    def level(self, first: int, end: int) -> float | None:
        """Over [first, end): the share of failures, or the median value; None without data."""
        part = self.between(first, end)
        if part.total is not None:
            valid = float(np.nansum(part.total))
            return float(np.nansum(part.values)) / valid if valid > 0 else None
        known = part.values[~np.isnan(part.values)]
        return float(np.median(known)) if len(known) else None

    def level_before(self, first: int, end: int) -> float | None:
        """What ``level`` of [first, end) would be had it gone on as in the four weeks before; None: no data.

        Values are compared with those at the same hours of the week, or of the day where there are none: an
        afternoon is not slower because it is slower than the nights before it. Shares of failures need no such
        thing: they are sums over sums.
        """
        begin = first - _WEEKS_BEFORE * _WEEK_HOURS
        if self.total is not None:
            return self.level(begin, first)
        past = self.between(begin, first)
        known = np.flatnonzero(~np.isnan(past.values))
        hours = past.first_hour + known
        now = self.between(first, end)
        heard = now.first_hour + np.flatnonzero(~np.isnan(now.values))
        for cycle in (_WEEK_HOURS, _DAY_HOURS):
            slots = hours % cycle
            usual = [
                float(np.median(past.values[known[slots == hour % cycle]]))
                for hour in heard
                if hour % cycle in slots
            ]
            if usual and 2 * len(usual) >= len(heard):
                return float(np.median(usual))
        return self.level(begin, first)


@dataclass(frozen=True, slots=True)
class Change:
    """A confirmed change.

    ``detected_hour``: the hour whose value confirmed it; ``started_hour``: likely its first one.
    ``before``, ``after``: level of the series up to and since the start: share of failures, or median value, that
    before being of the same hours of the week as since.
    """

    detected_hour: int
    started_hour: int
    votes: tuple[Detector, ...]
    before: float | None
    after: float | None


def hour_of(at: datetime) -> int:
    """Hours since 1970 UTC that are complete at this time."""
    return (at - _EPOCH) // _HOUR


def start_of(hour: int) -> datetime:
    """When this hour begins."""
    return _EPOCH + hour * _HOUR
