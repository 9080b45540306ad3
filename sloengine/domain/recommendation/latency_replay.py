"""Past windows of daily histograms judged by a latency target."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.replayed import Backtest, BacktestPoint
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory
from sloengine.domain.reliability.replay import ReplayWindows, replay_windows, window_span, window_sums

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LatencySeries:
    """Daily histograms of the look-back up to as-of (floored to the day), NaN for days without data."""

    start_at: datetime
    bounds_seconds: FloatArray
    counts: FloatArray
    window: timedelta
    _replayed: dict[tuple[float, float], Backtest] = field(default_factory=dict, compare=False, repr=False)

    @property
    def ends_at(self) -> datetime:
        """As-of, floored to the day."""
        return self.start_at + _DAY * len(self.counts)

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Days with requests."""
        return np.asarray(np.nansum(self.counts, axis=1) > 0)

    @property
    def first_at(self) -> datetime | None:
        """Start of the first day with requests."""
        seen = np.flatnonzero(self.known)
        return None if seen.size == 0 else self.start_at + _DAY * int(seen[0])

    @property
    def completeness(self) -> float:
        """Days with requests over days since the first one; 0 without any."""
        seen = np.flatnonzero(self.known)
        return 0.0 if seen.size == 0 else float(seen.size / (len(self.counts) - seen[0]))

    @cached_property
    def _windows(self) -> ReplayWindows:
        return replay_windows(self.known, _DAY, self.window)

    @property
    def disjoint_windows(self) -> int:
        """Past windows that do not overlap and have requests."""
        return int((self._disjoint_sums.sum(axis=1) > 0).sum())

    @cached_property
    def _disjoint_sums(self) -> FloatArray:
        return window_sums(self.counts, self._windows.disjoint, self._windows.length)

    @cached_property
    def _rolling_sums(self) -> FloatArray:
        return window_sums(self.counts, self._windows.rolling, self._windows.length)

    def replay(self, threshold_ms: float, share: float) -> Backtest:
        """Past windows: was ``share`` of their requests at or below the threshold?"""
        # Tiers often share a bucket bound.
        known = self._replayed.get((threshold_ms, share))
        if known is None:
            known = self._replayed[threshold_ms, share] = self._replay(threshold_ms, share)
        return known

    def _replay(self, threshold_ms: float, share: float) -> Backtest:
        windows = self._windows
        disjoint = self._points(threshold_ms, share, windows.disjoint, self._disjoint_sums)
        rolling = self._points(threshold_ms, share, windows.rolling, self._rolling_sums)
        worst = min(disjoint, key=lambda point: point.budget_remaining, default=None)
        met = sum(point.met for point in disjoint)
        return Backtest(windows=len(disjoint), met=met, worst=worst, series=rolling)

    def _points(
        self, threshold_ms: float, share: float, ends: npt.NDArray[np.int64], sums: FloatArray
    ) -> tuple[BacktestPoint, ...]:
        length = self._windows.length
        total = sums.sum(axis=1)
        fast = sums[:, self.bounds_seconds * 1000.0 <= threshold_ms * (1 + 1e-9)].sum(axis=1)
        percentiles = percentile_seconds(sums, self.bounds_seconds, share) * 1000.0
        points: list[BacktestPoint] = []
        for position in np.flatnonzero(total > 0):
            slow_share = 1.0 - float(fast[position] / total[position])
            from_at, to_at = window_span(int(ends[position]), length, self.start_at, _DAY)
            measured = float(percentiles[position])
            points.append(
                BacktestPoint(
                    from_at=from_at,
                    to_at=to_at,
                    met=slow_share <= 1.0 - share + 1e-12,
                    budget_remaining=1.0 - slow_share / (1.0 - share),
                    threshold_ms=measured if np.isfinite(measured) else None,
                )
            )
        return tuple(points)


def latency_series(
    history: LatencyHistory, *, as_of: datetime, lookback_days: int, window: timedelta
) -> LatencySeries:
    """Cut the history to the look-back before as-of; days that are not there are NaN."""
    end = (as_of - history.start_at) // _DAY
    first = max(0, end - lookback_days)
    n = max(0, end - first)
    counts = np.full((n, len(history.bounds_seconds)), np.nan)
    part = history.counts[first : max(first, min(end, len(history.counts)))]
    counts[: len(part)] = part
    counts[np.isnan(counts).any(axis=1)] = np.nan
    return LatencySeries(history.start_at + _DAY * first, history.bounds_seconds, counts, window)
