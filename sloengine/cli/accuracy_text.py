"""Accuracy for people: hold rate and tightness side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sloengine.application.accuracy.measure_accuracy import AccuracyReport
from sloengine.cli import output
from sloengine.domain.accuracy.baselines import (
    DESCRIPTIONS,
    FIXED_99_5,
    FIXED_99_9,
    MEAN_30_DAYS,
    OWN_BOOTSTRAP,
    WORST_WINDOW,
)
from sloengine.domain.accuracy.clustered import ClusteredMean
from sloengine.domain.accuracy.judged import ENGINE
from sloengine.domain.accuracy.latency_baselines import FIXED_LATENCY, LATENCY_DESCRIPTIONS
from sloengine.domain.accuracy.report import CONFIDENT, Comparison, TierAccuracy
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio


def print_accuracy(report: AccuracyReport) -> None:
    """Tables and sentences, on stdout."""
    output.say(
        f"{report.services} services in {report.clusters} clusters, {report.looks} looks back every "
        f"{report.every_days} days, {report.from_at:%Y-%m-%d} to {report.to_at:%Y-%m-%d}; each promise covers "
        f"{report.horizon_days} days and was made from the days before it alone."
    )
    mine = [row for row in report.tiers if row.estimator == ENGINE]
    output.out.print(
        _table("What the engine promised, and what held", [row for row in mine if row.traffic is None])
    )
    by_traffic = [row for row in mine if row.traffic is not None]
    if len({row.traffic for row in by_traffic}) > 1:
        output.out.print(_table("By traffic", by_traffic))
    rules = [row for row in report.tiers if row.estimator != ENGINE and row.traffic is None]
    if rules:
        output.out.print(_table("What simple rules would have done", rules))
    for found in report.comparisons:
        if found.rule_is_better:
            is_ratio = found.kind is ObjectiveKind.AVAILABILITY
            described = (DESCRIPTIONS if is_ratio else LATENCY_DESCRIPTIONS)[found.rule]
            output.say(
                f"{_of_what(found)}: {described} holds as often "
                f"({found.rule_attained:.1%} against {found.engine_attained:.1%}) and is tighter "
                f"({_target(found.kind, found.rule_target)} against {_target(found.kind, found.engine_target)}).",
                style="yellow",
            )
    for sure in report.confidence:
        if sure.attained is not None:
            output.say(
                f"{sure.sli_type.lower()}: of {sure.windows} Balanced targets with confidence {CONFIDENT} or "
                f"more, {_percent(sure.attained)} held."
            )
    if len(report.train_days) > 1:
        output.say(f"Map and plot are of targets made from {_days(report.train_days[0])} of history.")
    for kind, found_map in report.maps.items():
        output.say(f"Calibration map of {kind_text(kind)}: {found_map.source}.")


def kind_text(kind: ObjectiveKind) -> str:
    """Of what a map or a plot is: availability, or latency's percentile."""
    return kind.lower().replace("_", " ")


def _of_what(found: Comparison) -> str:
    """What was compared, in words: ``Aggressive availability after 30 days of history``."""
    kind = kind_text(found.kind)
    return f"{found.tier.capitalize()} {kind} after {_days(found.train_days)} of history"


def _table(title: str, rows: Sequence[TierAccuracy]) -> Table:
    """A line of its own for each estimator, below it its tiers; fits into 80 columns, intervals then below."""
    table = output.table(title, "promised, held: share of windows; over-promise in points; [95 % interval]")
    table.padding = (0, 1, 0, 0)
    table.add_column("tier", overflow="fold", min_width=_WIDTH_OF_TIER, max_width=_WIDEST_NAME)
    for name in ("promised", "held", "over-\npromise", "median\ntarget", "windows", "no\ntarget"):
        table.add_column(name, justify="right", no_wrap=True)
    several = len({row.train_days for row in rows}) > 1
    kinds = len({row.kind for row in rows})
    lines = output.out.width < _ONE_LINE_FROM
    by_name: dict[str, list[TierAccuracy]] = {}
    for row in rows:
        by_name.setdefault(_name(row, with_kind=kinds > 1, with_days=several), []).append(row)
    for name, tiers in by_name.items():
        cells = [_cells(row, lines=lines) for row in tiers]
        if len(tiers) > 1 and all(others == cells[0] for others in cells):
            table.add_row(Text(name, style="bold"), *cells[0])
            continue
        if name:
            table.add_row(Text(name, style="bold"))
        for row, of_tier in zip(tiers, cells, strict=True):
            table.add_row(row.tier.lower(), *of_tier)
    return table


_RULES = {
    OWN_BOOTSTRAP: "own bootstrap",
    MEAN_30_DAYS: "mean of 30 days",
    WORST_WINDOW: "worst window",
    FIXED_99_5: "99.5 % for all",
    FIXED_99_9: "99.9 % for all",
    FIXED_LATENCY: "500 ms, 1 s for all",
}
_WIDTH_OF_TIER = len("conservative")
_WIDEST_NAME = 24
_ONE_LINE_FROM = 100
"""Columns from which on an interval stands beside its value."""


def _days(days: int) -> str:
    return f"{days} day{'' if days == 1 else 's'}"


def _name(row: TierAccuracy, *, with_kind: bool, with_days: bool) -> str:
    """What a row is of, beside its tier; nothing where that is the engine, and the engine only."""
    parts = [] if row.estimator == ENGINE else [_RULES[row.estimator]]
    if with_kind:
        parts.append(row.kind.removeprefix("LATENCY_").lower())
    if row.traffic is not None:
        parts.append(f"{row.traffic.lower()} traffic")
    if with_days:
        parts.append(f"from {_days(row.train_days)}")
    return ", ".join(parts)


def _cells(row: TierAccuracy, *, lines: bool) -> list[str | Text]:
    between = "\n" if lines else " "
    over: str | Text = "–"
    if row.over_promise is not None:
        said = spread_text(row.over_promise).replace(" ", between, 1)
        over = Text(said, style="red" if row.over_promises else "")
    target = _target(row.kind, row.median_target)
    promised = "–" if row.promised is None else f"{row.promised:.1%}"
    held = _percent(row.attained).replace(" ", between, 1)
    return [promised, held, over, target, str(row.windows), str(row.without_target or "")]


def _target(kind: ObjectiveKind, target: float) -> str:
    if kind is ObjectiveKind.AVAILABILITY:
        return f"{percent_from_ratio(target):g} %"
    return f"{figure_text(target, 6)} ms"


def _percent(mean: ClusteredMean) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.value:.1%}"
    return f"{mean.value:.1%} [{100 * mean.low:.0f}, {100 * mean.high:.0f}]"


def spread_text(mean: ClusteredMean) -> str:
    """A difference of shares in points, with its interval where there is one."""
    said = f"{100 * mean.value:+.1f}"
    if mean.low is not None and mean.high is not None:
        said += f" [{100 * mean.low:+.1f}, {100 * mean.high:+.1f}]"
    return said
