"""Replay: would the target have been met in past windows?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReplayWindows:
    """Ends of past windows as positions in a series of intervals (exclusive), and their length in intervals.

    ``disjoint``: newest first, back from as-of. ``rolling``: one a day, oldest first.
    """

    length: int
    disjoint: npt.NDArray[np.int64]
    rolling: npt.NDArray[np.int64]


def replay_windows(known: npt.NDArray[np.bool_], step: timedelta, window: timedelta) -> ReplayWindows:
    """Windows that lie wholly between the first interval with data and the end of the series (as-of).

    ``known``: shape (n_intervals,), whether the interval has data. History shorter than one window: none.
    """
    length = max(1, round(window / step))
    n = len(known)
    seen = np.flatnonzero(known)
    first = int(seen[0]) if seen.size else n
    disjoint = np.arange(n, first + length - 1, -length, dtype=np.int64)
    every = max(1, round(_DAY / step))
    rolling = np.arange(n, first + length - 1, -every, dtype=np.int64)[::-1]
    return ReplayWindows(length, disjoint, rolling)


def window_sums(values: FloatArray, ends: npt.NDArray[np.int64], length: int) -> FloatArray:
    """Sums over the windows of ``length`` intervals that end before these positions, shape (n_windows, ...).

    ``values``: first axis is time; NaN counts as nothing. ``ends``: each at least ``length``.
    """
    cumulative = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(np.nan_to_num(values), axis=0)])
    return np.asarray(cumulative[ends] - cumulative[ends - length])


def window_span(end: int, length: int, start_at: datetime, step: timedelta) -> tuple[datetime, datetime]:
    """First and last moment of the window that ends at this position."""
    return start_at + step * int(end - length), start_at + step * int(end)
