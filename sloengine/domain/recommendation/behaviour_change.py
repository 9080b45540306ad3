"""A confirmed change of behaviour and what it does to a recommendation: it is named, and widens the targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray

SETTLED_AFTER = timedelta(days=28)
"""So long a change is handled with care; then the history has enough of the new behaviour in it."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BehaviourChange:
    """``what``: the levels before and since in words. ``is_worse``: or not known to be better.

    ``latency_ratio``: level since over level before, for latency.
    """

    started_at: datetime
    is_worse: bool
    what: str
    latency_ratio: float | None = None

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
