"""What a service takes by itself, told from what it measures and what it waits for.

Telemetry stores whole latency: own work and waiting together. With X = W + S, W own work and S the waiting, drawn
independently within a day, the share of requests within each bucket bound is linear in the law of W. So W is
fitted by non-negative least squares on a grid of times, for days that are about as slow together. Where no law of
W gives what was measured, the waiting was not like that (calls said to be made one after another were made side by
side, for one), and no number follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from sloengine.domain.reliability.panel import FloatArray

MOST_OFF = 0.03
"""A fit that is further off at any bound is none."""
MOST_OFF_OF_TAIL = 0.3
"""At a percentile the fit may be off by this share of the requests beyond it: 1.5 points at p95, 0.3 at p99."""
_CELLS = 64
_STEP, _MOST_STEPS = 1.5, 8.0
_POINTS = 4
_RIDGE = 0.02
_SURE = 1e3


@dataclass(frozen=True)
class OwnWork:
    """Law of own work, even within each cell, and how well it explains what was measured.

    ``edges``: seconds, ascending from 0, shape (n_cells + 1,); ``shares``: shape (n_cells,), they add up to 1.
    ``off``: fitted less measured share of requests within each finite bucket bound.
    """

    edges: FloatArray
    shares: FloatArray
    off: FloatArray

    @property
    def explains(self) -> bool:
        """Whether own work and waiting give what was measured."""
        return bool(np.abs(self.off).max() <= MOST_OFF)

    def at(self, levels: FloatArray) -> FloatArray:
        """Seconds at these levels of [0, 1]; shape as they."""
        return np.asarray(np.interp(levels, np.r_[0.0, np.cumsum(self.shares)], self.edges))


@dataclass(frozen=True)
class OwnWorkByDay:
    """Own work on usual and on slow days apart: a service is often slow on the days on which others are.

    ``laws``: one for each group of days; ``group_of_day``: shape (n_days,), -1: a day that is not used.
    ``weights``: of each group, they add up to 1.
    """

    bounds_seconds: FloatArray
    laws: tuple[OwnWork, ...]
    weights: FloatArray
    group_of_day: npt.NDArray[np.int64]

    @property
    def off(self) -> FloatArray:
        """Fitted less measured share of requests within each finite bucket bound, over all days."""
        return np.asarray(np.sum([w * law.off for w, law in zip(self.weights, self.laws, strict=True)], axis=0))

    @property
    def explains(self) -> bool:
        """Whether own work and waiting give what was measured."""
        return bool(np.abs(self.off).max() <= MOST_OFF)

    def explains_at(self, seconds: float, level: float) -> bool:
        """The same at a percentile, at the bounds on both sides of it."""
        right = int(np.searchsorted(self.bounds_seconds, seconds))
        beside = self.off[max(0, right - 1) : right + 1]
        return self.explains and bool(np.abs(beside).max(initial=0.0) <= MOST_OFF_OF_TAIL * (1.0 - level))

    def at(self, levels: FloatArray) -> FloatArray:
        """Seconds at these levels, shape (n_days, n); NaN on days that are not used."""
        seconds = np.full(levels.shape, np.nan)
        for group, law in enumerate(self.laws):
            days = self.group_of_day == group
            seconds[days] = law.at(levels[days])
        return seconds


def groups_of_days(p95_seconds: FloatArray, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Days that are about as slow, numbered from 0; -1: not used. ``p95_seconds``, ``used``: shape (n_days,)."""
    usual = float(np.median(p95_seconds[used]))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.clip(
            np.nan_to_num(np.log(p95_seconds / usual) / np.log(_STEP), posinf=_MOST_STEPS),
            -_MOST_STEPS,
            _MOST_STEPS,
        )
    found = np.full(len(p95_seconds), -1)
    found[used] = np.unique(np.round(steps[used]), return_inverse=True)[1]
    return found


def fit_own_work(
    bounds_seconds: FloatArray, within: FloatArray, waits: FloatArray, weights: FloatArray
) -> OwnWork:
    """Fit the law of own work.

    Parameters:
        bounds_seconds: finite bucket bounds, ascending.
        within: measured share of requests within each, shape as they.
        waits: drawn waiting times in seconds, with their ``weights``, shape (n,); infinite: beyond all bounds.
    """
    edges = _cells(bounds_seconds)
    order = np.argsort(waits)
    ascending = waits[order]
    below = np.r_[0.0, np.cumsum(weights[order]) / weights.sum()]
    inside = (np.arange(_POINTS) + 0.5) / _POINTS
    points = edges[:-1, None] + np.diff(edges)[:, None] * inside
    left = bounds_seconds[:, None, None] - points[None]
    reached = below[np.searchsorted(ascending, left, side="right")]
    shares_within = np.where(left >= 0.0, reached, 0.0).mean(axis=2)
    # Errors in the tail count as much as counting would make them there.
    trust = 1.0 / np.sqrt(within * (1.0 - within) + 1e-4)
    cells = len(edges) - 1
    rows = np.concatenate([shares_within * trust[:, None], np.full((1, cells), _SURE), _RIDGE * np.eye(cells)])
    shares, _ = nnls(rows, np.concatenate([within * trust, [_SURE], np.zeros(cells)]))
    shares = shares / shares.sum()
    return OwnWork(edges, shares, np.asarray(shares_within @ shares - within))


def _cells(bounds_seconds: FloatArray) -> FloatArray:
    """From nothing to beyond the last bound, each cell by the same factor longer than the one before."""
    return np.concatenate([[0.0], np.geomspace(0.25 * bounds_seconds[0], 2.0 * bounds_seconds[-1], _CELLS)])
