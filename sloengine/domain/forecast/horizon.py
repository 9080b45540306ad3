"""What the past leaves in the window at each coming day, and what a budget path is worth in budgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.reliability.budget_state import window_end, window_start
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

_DAY = timedelta(days=1)
ROLLING_HORIZON_DAYS = 7
_CALENDAR = (ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.CALENDAR_QUARTER)


@dataclass(frozen=True)
class Horizon:
    """Days to come, one step each (the last one of a calendar window may be shorter).

    ``step_days``: lengths, shape (n_steps,). ``past_bad``, ``past_valid``: events of the past that still lie in
    the window at the end of each step. ``rolls``: a window that loses its oldest day with each step; a calendar
    window is judged on its whole length at any moment.
    """

    starts_at: datetime
    step_days: FloatArray
    past_bad: FloatArray
    past_valid: FloatArray
    rolls: bool

    @property
    def ends_at(self) -> datetime:
        """End of the last step."""
        return self.starts_at + float(self.step_days.sum()) * _DAY

    def step_end(self, step: int) -> datetime:
        """When this step is over."""
        return self.starts_at + float(self.step_days[: step + 1].sum()) * _DAY

    def consumed(self, bad: FloatArray, valid: FloatArray, target: float) -> FloatArray:
        """Share of the budget that is spent at the end of each step, above 1: overspent.

        ``bad``, ``valid``: events of each coming step, shape (..., n_steps).
        """
        coming = np.cumsum(valid, axis=-1) if self.rolls else np.sum(valid, axis=-1, keepdims=True)
        budget = (self.past_valid + coming) * (1.0 - target)
        return np.asarray((self.past_bad + np.cumsum(bad, axis=-1)) / np.maximum(budget, 1e-12))

    def spent(
        self, bad: FloatArray, valid: FloatArray, *, window: ComplianceWindow, traffic: float, target: float
    ) -> float | None:
        """Share of the budget that is spent as the horizon starts; None where the window holds no event.

        ``bad``, ``valid``: as for ``horizon_of``. A calendar window that has just begun has spent nothing.
        """
        if is_calendar(window):
            budget = (self.past_valid[0] + float(self.step_days.sum()) * traffic) * (1.0 - target)
            return None if budget <= 0 else float(self.past_bad[0] / budget)
        length = window.length // _DAY
        asked = _newest(valid, length)
        return None if asked <= 0 else _newest(bad, length) / (asked * (1.0 - target))


def horizon_of(
    bad: FloatArray,
    valid: FloatArray,
    *,
    window: ComplianceWindow,
    as_of: datetime,
    in_window_so_far: tuple[float, float] | None = None,
) -> Horizon:
    """The next seven days of a rolling window; the rest of a calendar window.

    ``bad``, ``valid``: shape (n_days,), sums of 24 hours each, oldest first, the last one ending at ``as_of``.
    ``in_window_so_far``: bad and valid events since a calendar window began, which no 24 hours need to start with;
    None: summed from whole days. At the instant at which a calendar window ends the next one is looked at.
    """
    if not is_calendar(window):
        steps = np.arange(1, ROLLING_HORIZON_DAYS + 1)
        length = window.length // _DAY
        kept_bad = np.array([_newest(bad, length - int(step)) for step in steps])
        kept_valid = np.array([_newest(valid, length - int(step)) for step in steps])
        return Horizon(as_of, np.ones(len(steps)), kept_bad, kept_valid, rolls=True)
    moment = as_of + timedelta(microseconds=1)
    start, end = window_start(window, moment), window_end(window, moment)
    past_days = (as_of - start) / _DAY
    if in_window_so_far is None:
        in_window_so_far = _newest(bad, round(past_days)), _newest(valid, round(past_days))
    left = (end - as_of) / _DAY
    whole = int(left)
    lengths = np.array([1.0] * whole + ([left - whole] if left - whole > 1e-9 else []))
    n = len(lengths)
    so_far_bad, so_far_valid = in_window_so_far
    return Horizon(as_of, lengths, np.full(n, so_far_bad), np.full(n, so_far_valid), rolls=False)


def is_calendar(window: ComplianceWindow) -> bool:
    """Whether it ends at a date rather than moving along."""
    return window in _CALENDAR


def _newest(values: FloatArray, days: int) -> float:
    return float(values[max(0, len(values) - days) :].sum()) if days > 0 else 0.0
