"""What is left of an SLO's error budget, and how fast it is being spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.reliability.budget import burn_rate
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

_DAY = timedelta(days=1)
BURN_WINDOWS = {"1h": _DAY / 24, "6h": _DAY / 4, "1d": _DAY, "3d": 3 * _DAY}
"""Look-backs of burn rates: those that alerts use, and a day."""
_MONTHS_A_QUARTER = 3


@dataclass(frozen=True, slots=True)
class BurnRate:
    """``window``: a key of ``BURN_WINDOWS``. ``rate``: 1 spends the budget in exactly one compliance window."""

    window: str
    rate: float


@dataclass(frozen=True, slots=True)
class BudgetState:
    """``consumed_ratio``: share of the budget that is spent, above 1: overspent; ``as_of``: end of the data."""

    consumed_ratio: float
    burn_rates: Sequence[BurnRate]
    as_of: datetime

    @property
    def remaining_ratio(self) -> float:
        """1 untouched, negative when overspent."""
        return 1.0 - self.consumed_ratio


def window_start(window: ComplianceWindow, as_of: datetime) -> datetime:
    """When the window that ``as_of`` ends, or lies in, began (UTC).

    The instant at which a calendar window ends still belongs to it.

    >>> from datetime import UTC
    >>> str(window_start(ComplianceWindow.CALENDAR_QUARTER, datetime(2026, 5, 17, tzinfo=UTC)))
    '2026-04-01 00:00:00+00:00'
    """
    if window not in (ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.CALENDAR_QUARTER):
        return as_of - window.length
    last = as_of - timedelta(microseconds=1)
    month = last.month
    if window is ComplianceWindow.CALENDAR_QUARTER:
        month -= (month - 1) % _MONTHS_A_QUARTER
    return last.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0)


def budget_state(
    good: FloatArray,
    total: FloatArray,
    step: timedelta,
    *,
    target: float,
    window: ComplianceWindow,
    as_of: datetime,
) -> BudgetState | None:
    """Of the window that ``as_of`` ends or lies in; None where nothing was counted in it.

    ``good``, ``total``: shape (n_intervals,), oldest first, the last interval ends at ``as_of``, NaN without data.
    A calendar window has a budget for the whole of it, in requests at the traffic seen so far; what was spent is
    set against that. Burn-rate windows shorter than ``step``, or without requests, are left out.

    Source: The Site Reliability Workbook, ch. 5.
    """
    since = as_of - window_start(window, as_of)
    bad = _bad_ratio(good, total, round(since / step))
    if bad is None:
        return None
    share_of_window = min(1.0, since / _whole(window, as_of))
    burning = (
        (name, _bad_ratio(good, total, round(length / step)))
        for name, length in BURN_WINDOWS.items()
        if length >= step
    )
    return BudgetState(
        consumed_ratio=burn_rate(bad, target) * share_of_window,
        burn_rates=[BurnRate(name, burn_rate(ratio, target)) for name, ratio in burning if ratio is not None],
        as_of=as_of,
    )


def _whole(window: ComplianceWindow, as_of: datetime) -> timedelta:
    """Length of the window that ``as_of`` lies in, to its end."""
    return window_end(window, as_of) - window_start(window, as_of)


def window_end(window: ComplianceWindow, as_of: datetime) -> datetime:
    """When the window that ``as_of`` lies in ends (UTC); a rolling one ends at ``as_of``."""
    start = window_start(window, as_of)
    months = {ComplianceWindow.CALENDAR_MONTH: 1, ComplianceWindow.CALENDAR_QUARTER: _MONTHS_A_QUARTER}.get(window)
    if months is None:
        return start + window.length
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


def _bad_ratio(good: FloatArray, total: FloatArray, intervals: int) -> float | None:
    """Bad over valid events of the newest intervals; None without any."""
    if intervals < 1:
        return None
    parts, wholes = good[-intervals:], total[-intervals:]
    # Of an interval that lacks one of the two nothing is known: neither all nor none of it failed.
    known = ~(np.isnan(parts) | np.isnan(wholes))
    valid = float(wholes[known].sum())
    if valid <= 0:
        return None
    return min(1.0, max(0.0, (valid - float(parts[known].sum())) / valid))
