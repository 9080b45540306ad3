"""What a target would have done over the past: its replay."""

from __future__ import annotations

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
