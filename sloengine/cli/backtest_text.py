"""A replay for people: sentences, a plot of the budget, a table of the worst stretches."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from sloengine.cli import output
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.replayed import Backtest, BacktestAlert, BacktestPoint, times_called
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow

_ROWS = 5
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MOST_ALERTS = 10


def objective_text(target: SloTarget) -> str:
    """The objective in a few words.

    >>> objective_text(SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=250.0))
    '95 % of requests within 250 ms'
    """
    if target.availability_ratio is not None:
        return f"{percent_from_ratio(target.availability_ratio):g} % available"
    share = 95 if target.kind is ObjectiveKind.LATENCY_P95 else 99
    return f"{share} % of requests within {figure_text(target.threshold_ms or 0.0, 6)} ms"


def print_backtest(
    service_id: str, target: SloTarget, window: ComplianceWindow, found: Backtest | None, *, plot: bool
) -> None:
    """Everything that a person wants to know about one replay."""
    title = f"{service_id}: {objective_text(target)}, {window.lower().replace('_', ' ')}"
    if found is None:
        kind = "request" if target.availability_ratio is not None else "latency histogram"
        output.say(f"{title}: nothing to replay, not a single {kind} on record", style="yellow")
        return
    output.say(title, style="bold")
    output.say(_verdict(found))
    if plot and found.series:
        output.out.print(budget_plot(found.series, output.out.width))
    if found.worst_by_length:
        output.out.print(_worst_table(found, target))
    output.say(_alerts(found.alerts))
    for alert in found.alerts[-_MOST_ALERTS:]:
        span = f"{alert.at:%Y-%m-%d %H:%M} to {alert.until:%Y-%m-%d %H:%M}"
        output.say(f"  {alert.severity:6} over {alert.long_window:3} {span}")
    for note in found.notes:
        output.say(f"note: {note}", style="yellow")
    output.out.print()


def _verdict(found: Backtest) -> str:
    if found.windows == 0:
        return "less history than one window: no past window can be judged"
    rolling = sum(point.met for point in found.series)
    worst = found.worst
    said = f"met in {found.met} of {found.windows} windows that do not overlap, at the end of {rolling} of "
    said += f"{len(found.series)} days"
    if worst is None:
        return said
    said += f"; the worst of the {found.windows}, to {worst.to_at:%Y-%m-%d}: {_left(worst)}"
    lowest = min(found.series, key=lambda point: point.budget_remaining, default=worst)
    if lowest.budget_remaining < worst.budget_remaining:
        said += f"; the worst of all days, to {lowest.to_at:%Y-%m-%d}: {_left(lowest)}"
    return said


def _left(point: BacktestPoint) -> str:
    """What is left of a window's budget; 100 % where nothing was spent at all, above once where it was missed."""
    if not point.met:
        return f"the budget spent {math.ceil(round(100 * (1 - point.budget_remaining), 6)) / 100:g} times"
    return f"{math.floor(round(100 * point.budget_remaining, 6))} % of the budget left"


def budget_plot(series: Sequence[BacktestPoint], width: int) -> Text:
    """Error budget left at the end of each rolling window, a column a day, from 100 % left to 100 % overspent."""
    shown = list(series)[-max(10, width - 8) :]
    lines = Text()
    for row in range(_ROWS):
        low = 1.0 - (row + 1) / _ROWS
        label = "100 %" if row == 0 else ""
        lines.append(f"{label:>6} ", style="dim")
        for point in shown:
            filled = min(1.0, max(0.0, (point.budget_remaining - low) * _ROWS))
            lines.append(_EIGHTHS[round(8 * filled)], style="green")
        lines.append("\n")
    lines.append("   0 % ", style="dim")
    lines.append("─" * len(shown), style="dim")
    lines.append("\n")
    if not all(point.met for point in shown):
        for row in range(_ROWS):
            lines.append(f"{'-100 %' if row == _ROWS - 1 else '':>6} ", style="dim")
            for point in shown:
                spent = -point.budget_remaining * _ROWS - row
                # A window that is missed by little is missed, too.
                is_drawn = spent >= 0.5 or (row == 0 and not point.met)
                lines.append("█" if is_drawn else " ", style="red")
            lines.append("\n")
    span = f"{shown[0].to_at:%Y-%m-%d} to {shown[-1].to_at:%Y-%m-%d}"
    which = "by end of window" if len(shown) == len(series) else f"newest {len(shown)} of {len(series)} windows"
    lines.append(f"       {span}: budget left, {which}", style="dim")
    return lines


def _worst_table(found: Backtest, target: SloTarget) -> object:
    table = output.table()
    table.add_column("worst", no_wrap=True)
    table.add_column("availability %" if target.availability_ratio is not None else "ms", justify="right")
    table.add_column("from", no_wrap=True)
    for worst in found.worst_by_length:
        if worst.availability_ratio is not None:
            value = f"{percent_from_ratio(worst.availability_ratio):.6g}"
        else:
            value = "above the largest bucket" if worst.threshold_ms is None else figure_text(worst.threshold_ms)
        table.add_row(worst.window, value, f"{worst.from_at:%Y-%m-%d %H:%M}")
    return table


def _alerts(alerts: Sequence[BacktestAlert]) -> str:
    if not alerts:
        return "no burn-rate alert would have fired"
    called = [_count(times_called(alerts, severity), severity) for severity in ("page", "ticket")]
    shown = "" if len(alerts) <= _MOST_ALERTS else f", the last {_MOST_ALERTS} of {len(alerts)}"
    said = f"burn-rate alerts: {' and '.join(called)} would have come, rules that fire together being one"
    return f"{said}; by rule{shown}:"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
