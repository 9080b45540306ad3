"""What a target would have done over the past: its replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BacktestPoint:
    """One past window judged by the target."""

    from_at: datetime
    to_at: datetime
    met: bool
    budget_remaining: float
    availability_ratio: float | None = None
    threshold_ms: float | None = None


@dataclass(frozen=True, slots=True)
class BacktestAlert:
    """A burn-rate alert that would have fired at ``at`` and stopped at ``until``."""

    severity: str
    long_window: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class WorstWindow:
    """The worst that any past stretch of this length did. One of the two values is set, or none: not known."""

    window: str
    from_at: datetime
    availability_ratio: float | None = None
    threshold_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Replay: ``windows`` and ``met`` count disjoint windows back from as-of; ``series`` is rolling, one a day.

    ``alerts``, ``worst_by_length`` and ``notes`` (what could not be replayed, in words) are worked out when a
    backtest is asked for, and empty where a recommendation carries its replay.
    """

    windows: int
    met: int
    worst: BacktestPoint | None
    series: tuple[BacktestPoint, ...] = ()
    alerts: tuple[BacktestAlert, ...] = ()
    worst_by_length: tuple[WorstWindow, ...] = ()
    notes: tuple[str, ...] = ()


def times_called(alerts: Sequence[BacktestAlert], severity: str) -> int:
    """How often people would have been called: alerts of one severity that overlap or follow at once are one.

    An outage makes several rules fire at once: one page, as in the workbook's alert that joins them by ``or``.

    >>> from datetime import datetime as at
    >>> fast = BacktestAlert("page", "1h", at(2026, 1, 1, 5), at(2026, 1, 1, 7))
    >>> slow = BacktestAlert("page", "6h", at(2026, 1, 1, 6), at(2026, 1, 1, 9))
    >>> later = BacktestAlert("page", "1h", at(2026, 1, 1, 12), at(2026, 1, 1, 13))
    >>> times_called([fast, slow, later], "page"), times_called([fast], "ticket")
    (2, 0)
    """
    count, firing_until = 0, None
    for alert in sorted((one for one in alerts if one.severity == severity), key=lambda one: one.at):
        if firing_until is None or alert.at > firing_until:
            count += 1
        firing_until = alert.until if firing_until is None else max(firing_until, alert.until)
    return count
