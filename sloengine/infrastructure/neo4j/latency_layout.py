"""Histograms of days whose bucket bounds may differ, brought onto common bounds without guessing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sloengine.domain.reliability.panel import FloatArray


def common_bounds(bounds_by_day: Mapping[int, tuple[float, ...]]) -> tuple[float, ...]:
    """Bounds on which the newest day and as many earlier ones as possible agree, ascending.

    Going back in time, bounds that a day lacks are given up, as long as half of the newest day's finite ones
    remain; a day that would cost more is left to ``rebucketed`` to refuse.
    """
    newest = max(bounds_by_day)
    common = set(bounds_by_day[newest])
    enough = (len(common) - 1) / 2
    for day in sorted(bounds_by_day, reverse=True):
        shared = common & set(bounds_by_day[day])
        if len(shared) - 1 >= enough:
            common = shared
    return tuple(sorted(common))


def rebucketed(bounds: tuple[float, ...], counts: FloatArray, onto: tuple[float, ...]) -> FloatArray:
    """The day's counts in the buckets of ``onto``; NaN when it lacks one of those bounds.

    >>> rebucketed((0.1, 0.2, np.inf), np.array([5.0, 3.0, 1.0]), (0.2, np.inf))
    array([8., 1.])
    """
    if bounds == onto:
        return counts
    if not set(onto) <= set(bounds):
        return np.full(len(onto), np.nan)
    summed = np.zeros(len(onto))
    np.add.at(summed, np.searchsorted(onto, bounds), counts)
    return summed
