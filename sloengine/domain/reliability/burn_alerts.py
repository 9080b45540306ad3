"""Multi-window burn-rate alerts: which rules a window gets, and when they would have fired.

Source: The Site Reliability Workbook, ch. 5, "Alerting on SLOs", table 5-8: a rule fires while the budget is spent
faster than its factor over a long and a short window, and the factor is the share of the budget that the long
window may spend x the compliance window ÷ the long window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.replay import window_sums

_HOUR = timedelta(hours=1)
_SPEND = (
    ("page", 1 * _HOUR, 0.02),
    ("page", 6 * _HOUR, 0.05),
    ("ticket", 24 * _HOUR, 0.10),
    ("ticket", 72 * _HOUR, 0.10),
)
_LONG_OVER_SHORT = 12


@dataclass(frozen=True, slots=True)
class BurnRateRule:
    """Fires while both windows burn faster than ``factor``; 1 spends the budget in one compliance window."""

    severity: str
    long_window: timedelta
    short_window: timedelta
    factor: float

    def can_fire(self, target: float) -> bool:
        """Whether a total outage would burn that fast; loose targets have budgets that never burn so fast."""
        return self.factor * (1.0 - target) < 1.0


@dataclass(frozen=True, slots=True)
class FiredAlert:
    """A rule that would have fired from ``from_at`` to ``to_at``, the end of the series if it still did then."""

    rule: BurnRateRule
    from_at: datetime
    to_at: datetime


def burn_rate_rules(window: timedelta) -> tuple[BurnRateRule, ...]:
    """The rules of a compliance window, fastest first.

    >>> [round(rule.factor, 3) for rule in burn_rate_rules(timedelta(days=30))]
    [14.4, 6.0, 3.0, 1.0]
    >>> [round(rule.factor, 3) for rule in burn_rate_rules(timedelta(days=28))]
    [13.44, 5.6, 2.8, 0.933]
    """
    return tuple(
        BurnRateRule(severity, long, long / _LONG_OVER_SHORT, share * (window / long))
        for severity, long, share in _SPEND
    )


def fired_alerts(
    good: FloatArray, valid: FloatArray, *, start_at: datetime, step: timedelta, target: float, window: timedelta
) -> tuple[FiredAlert, ...]:
    """Alerts that would have fired in a series, in order of time; of one rule, neighbouring moments are one alert.

    A short window shorter than ``step`` is judged by one step, which is all that was kept; rules whose long window
    is shorter than that are left out. Windows without a request burn nothing. Rules are judged at the end of each
    step, see only what lies before it, and wait until the long window lies wholly behind the first data.

    Parameters: good, valid: events of each step, shape (n_steps,), oldest first; NaN is no data.
    Raises: ValueError, if the target is not within (0, 1).
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"target must lie within (0, 1), not {target}")
    bad = np.nan_to_num(valid) - np.nan_to_num(good)
    first_data = int(np.argmax(~np.isnan(valid))) if len(valid) else 0
    found: list[FiredAlert] = []
    for rule in burn_rate_rules(window):
        if rule.long_window < step:
            continue
        limit = rule.factor * (1.0 - target)
        firing = _bad_ratio(bad, valid, rule.long_window, step) > limit
        firing &= _bad_ratio(bad, valid, rule.short_window, step) > limit
        firing[: first_data + round(rule.long_window / step) - 1] = False
        for first, last in _runs(firing):
            ended = min(last + 1, len(bad))
            found.append(FiredAlert(rule, start_at + step * (first + 1), start_at + step * ended))
    return tuple(sorted(found, key=lambda alert: (alert.from_at, alert.rule.long_window)))


def _bad_ratio(bad: FloatArray, valid: FloatArray, window: timedelta, step: timedelta) -> FloatArray:
    """Bad over valid events of the window that ends with each step; 0 without valid ones."""
    length = max(1, round(window / step))
    ends = np.arange(1, len(bad) + 1, dtype=np.int64)
    padded_bad, padded_valid = (np.concatenate([np.zeros(length), np.nan_to_num(x)]) for x in (bad, valid))
    failed = window_sums(padded_bad, ends + length, length)
    asked = window_sums(padded_valid, ends + length, length)
    return np.divide(failed, asked, out=np.zeros(len(bad)), where=asked > 0)


def _runs(firing: npt.NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """First and one past the last position of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], firing.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
