"""The service's own intervals up to as-of, and past windows judged by an availability target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from sloengine.domain.recommendation.replayed import Backtest, BacktestPoint
from sloengine.domain.reliability.budget import error_budget_remaining_ratio
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.replay import ReplayWindows, replay_windows, window_span, window_sums

_SLACK = 1e-12


@dataclass(frozen=True)
class OwnSeries:
    """One service's intervals in the look-back, up to as-of, NaN where there is no data.

    ``good``, ``total``: shape (n_intervals,), oldest first; the last interval ends at as-of (floored to the step).
    ``coverage``: share of each interval that was seen, as in ``SliPanel``; None: all of those with data.
    """

    start_at: datetime
    step: timedelta
    good: FloatArray
    total: FloatArray
    window: timedelta
    coverage: FloatArray | None = None

    def as_panel(self, service_id: str) -> SliPanel:
        """A panel of this one series."""
        coverage = None if self.coverage is None else self.coverage[None, :]
        return SliPanel((service_id,), self.start_at, self.step, self.good[None, :], self.total[None, :], coverage)

    @property
    def first_at(self) -> datetime | None:
        """Start of the first interval with data."""
        known = np.flatnonzero(~np.isnan(self.total))
        return None if known.size == 0 else self.start_at + self.step * int(known[0])

    @property
    def ends_at(self) -> datetime:
        """As-of, floored to the step."""
        return self.start_at + self.step * len(self.total)

    def known_days(self, last_days: float = float("inf")) -> float:
        """Days seen among the last so many: an interval of which a part was seen counts with that part."""
        known = self._seen
        first = max(0.0, len(known) - last_days / (self.step / timedelta(days=1)))
        return float(known[int(first) :].sum() * (self.step / timedelta(days=1)))

    @property
    def completeness(self) -> float:
        """Time seen over the time since the first data; 0 without any.

        Of an interval that was seen in part nobody knows which part: the first one is taken to begin where its
        data do, so that a service whose first day has few hours is not blamed for those before.
        """
        known = np.flatnonzero(~np.isnan(self.total))
        if known.size == 0:
            return 0.0
        if self.coverage is None:
            return float(known.size / (len(self.total) - known[0]))
        seen = self._seen[known[0] :]
        missing = float((1.0 - seen[1:]).sum())
        return 1.0 - missing / (len(seen) - 1 + float(seen[0]))

    @cached_property
    def _seen(self) -> FloatArray:
        return np.asarray(self.as_panel("").seen[0])

    @cached_property
    def _windows(self) -> ReplayWindows:
        return replay_windows(~np.isnan(self.total), self.step, self.window)

    @property
    def disjoint_windows(self) -> int:
        """Past windows that do not overlap and have requests."""
        return int((self._sums(disjoint=True)[1] > 0).sum())

    def _sums(self, *, disjoint: bool) -> tuple[FloatArray, FloatArray]:
        good, total = self._disjoint_sums if disjoint else self._rolling_sums
        return good, total

    @cached_property
    def _disjoint_sums(self) -> tuple[FloatArray, FloatArray]:
        windows = self._windows
        return (
            window_sums(self.good, windows.disjoint, windows.length),
            window_sums(self.total, windows.disjoint, windows.length),
        )

    @cached_property
    def _rolling_sums(self) -> tuple[FloatArray, FloatArray]:
        windows = self._windows
        return (
            window_sums(self.good, windows.rolling, windows.length),
            window_sums(self.total, windows.rolling, windows.length),
        )

    def replay(self, target_ratio: float) -> Backtest:
        """Past windows judged by this target; windows without requests are left out."""
        windows = self._windows
        disjoint = self._points(target_ratio, windows.disjoint, self._disjoint_sums)
        rolling = self._points(target_ratio, windows.rolling, self._rolling_sums)
        worst = min(disjoint, key=lambda point: point.budget_remaining, default=None)
        return Backtest(
            windows=len(disjoint), met=sum(point.met for point in disjoint), worst=worst, series=rolling
        )

    def _points(
        self, target_ratio: float, ends: np.ndarray, sums: tuple[FloatArray, FloatArray]
    ) -> tuple[BacktestPoint, ...]:
        good, total = sums
        points: list[BacktestPoint] = []
        for end, good_sum, total_sum in zip(ends.tolist(), good.tolist(), total.tolist(), strict=True):
            if total_sum <= 0:
                continue
            ratio = min(1.0, good_sum / total_sum)
            from_at, to_at = window_span(end, self._windows.length, self.start_at, self.step)
            points.append(
                BacktestPoint(
                    from_at=from_at,
                    to_at=to_at,
                    met=ratio >= target_ratio - _SLACK,
                    budget_remaining=error_budget_remaining_ratio(1.0 - ratio, target_ratio),
                    availability_ratio=ratio,
                )
            )
        return tuple(points)


def own_series(
    panel: SliPanel, service_id: str, *, as_of: datetime, lookback_days: int, window: timedelta
) -> OwnSeries:
    """Cut the service's row to the look-back before as-of; intervals that are not there yet are NaN."""
    step = panel.step
    end = (as_of - panel.start_at) // step
    first = end - int(timedelta(days=lookback_days) / step)
    row = panel.rows.get(service_id)
    n = end - max(first, 0)
    good, total = np.full(max(n, 0), np.nan), np.full(max(n, 0), np.nan)
    coverage: FloatArray | None = None
    if row is not None and n > 0:
        have = max(0, min(end, panel.total.shape[1]) - max(first, 0))
        part = slice(max(first, 0), max(first, 0) + have)
        good[:have], total[:have] = panel.good[row, part], panel.total[row, part]
        unknown = np.isnan(good) | np.isnan(total)
        good[unknown], total[unknown] = np.nan, np.nan
        if panel.coverage is not None:
            coverage = np.zeros(n)
            coverage[:have] = panel.coverage[row, part]
    return OwnSeries(panel.start_at + step * max(first, 0), step, good, total, window, coverage)
