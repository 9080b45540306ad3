"""A confirmed change of behaviour and what it does to a recommendation: it is named, and widens the targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.latency_hours import percentiles_seconds
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

SETTLED_AFTER = timedelta(days=28)
"""So long a change is handled with care; then the history has enough of the new behaviour in it."""
_DAY = timedelta(days=1)
_DAYS_TO_TELL = 3
_LEAST_RATIO = 1e-9


@dataclass(frozen=True, slots=True)
class BehaviourChange:
    """``what``: the levels before and since in words. ``is_worse``: or not known to be better.

    ``latency_ratio``: level since over level before, for latency. ``failures``: share of failures before and since
    as they were when it was detected, for availability.
    """

    started_at: datetime
    is_worse: bool
    what: str
    latency_ratio: float | None = None
    detected_at: datetime | None = None
    failures: tuple[float, float] | None = None

    @property
    def message(self) -> str:
        """For the data quality and the summary."""
        is_faster = self.latency_ratio is not None and not self.is_worse
        done = "targets follow when it lasts" if is_faster else "targets widened"
        return f"{self._mark} ({self.what}); {done}"

    @property
    def _mark(self) -> str:
        return f"behaviour changed on {self.started_at:%Y-%m-%d %H:%M} UTC"

    def is_known_to(self, recommendation: Recommendation) -> bool:
        """Whether the recommendation was made in the knowledge of this change."""
        return any(self._mark in warning for warning in recommendation.data_quality.warnings)

    def matters(self, as_of: datetime) -> bool:
        """Whether targets as of then still have to take care of it.

        An availability that fell does as long as better days are in the look-back with it.
        """
        return as_of - self.started_at < SETTLED_AFTER or (self.is_worse and self.latency_ratio is None)

    @property
    def slower_by(self) -> float:
        """What percentiles of the whole history are to be multiplied by, at least 1."""
        return max(1.0, self.latency_ratio or 1.0)


def changes_said(changed: BehaviourChange | None) -> tuple[str, ...]:
    """The warning that a change puts into the data quality, if there is one."""
    return () if changed is None else (changed.message,)


def still_there(changed: BehaviourChange | None, history: DailyHistory) -> BehaviourChange | None:
    """The change, unless most whole days since its detection were nearer to how it was before.

    Two bad hours confirm a change as surely as the first two of many; what was an incident shows in three days.
    """
    if changed is None or changed.failures is None or changed.detected_at is None:
        return changed
    before, after = (max(level, _LEAST_RATIO) for level in changed.failures)
    begins = [history.ends_at - age * _DAY for age in range(history.n_days, 0, -1)]
    behind = np.array([at >= changed.detected_at for at in begins]) & (history.valid[0] > 0)
    if int(behind.sum()) < _DAYS_TO_TELL:
        return changed
    ratios = history.bad[0][behind] / history.valid[0][behind]
    middle = float(np.sqrt(before * after))
    has_passed = np.median(ratios) < middle if after > before else np.median(ratios) > middle
    return None if has_passed else changed


def still_slow(changed: BehaviourChange | None, history: LatencyHistory | None) -> BehaviourChange | None:
    """As ``still_there``, by the p95 of the days before the change and of those behind its detection."""
    if changed is None or history is None or changed.detected_at is None or not changed.latency_ratio:
        return changed
    p95 = percentiles_seconds(history.bounds_seconds, history.counts, 0.95)
    begins = [history.start_at + day * _DAY for day in range(len(p95))]
    known = ~np.isnan(p95)
    before = np.array([at + _DAY <= changed.started_at for at in begins], dtype=bool) & known
    behind = np.array([at >= changed.detected_at for at in begins], dtype=bool) & known
    if int(behind.sum()) < _DAYS_TO_TELL or not before.any():
        return changed
    moved, middle = float(np.median(p95[behind]) / np.median(p95[before])), float(np.sqrt(changed.latency_ratio))
    has_passed = moved < middle if changed.latency_ratio > 1 else moved > middle
    return None if has_passed else changed


def since(history: DailyHistory, started_at: datetime) -> DailyHistory:
    """The history without the days that ended before the change: they have no exposure any more."""
    ends = np.array([history.ends_at - age * _DAY for age in range(history.n_days - 1, -1, -1)])
    kept = ends > started_at
    return replace(
        history,
        bad=np.where(kept, history.bad, 0.0),
        valid=np.where(kept, history.valid, 0.0),
        exposure=np.where(kept, history.exposure, 0.0),
    )


def worse_of(whole: FloatArray, recent: FloatArray) -> FloatArray:
    """Draws that are at each rank the larger of the two, in the order of ``whole``; shape (n_draws,).

    Every quantile of the result is the larger of the two quantiles: no target is tighter than either allows.
    """
    order = np.argsort(whole, kind="stable")
    result = np.empty_like(whole)
    result[order] = np.maximum(whole[order], np.sort(recent))
    return result
