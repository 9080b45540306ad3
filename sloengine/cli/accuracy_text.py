"""Accuracy for people: hold rate and tightness side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sloengine.application.accuracy.measure_accuracy import AccuracyReport
from sloengine.cli import output
from sloengine.domain.accuracy.baselines import DESCRIPTIONS
from sloengine.domain.accuracy.clustered import ClusteredMean
from sloengine.domain.accuracy.judged import ENGINE
from sloengine.domain.accuracy.report import CONFIDENT, TierAccuracy
from sloengine.domain.recommendation.model import ObjectiveKind
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
            output.say(
                f"{found.kind} {found.tier}: {DESCRIPTIONS[found.rule]} holds as often "
                f"({found.rule_attained:.1%} against {found.engine_attained:.1%}) and is tighter "
                f"({percent_from_ratio(found.rule_target)} % against "
                f"{percent_from_ratio(found.engine_target)} %).",
                style="yellow",
            )
    for sure in report.confidence:
        if sure.attained is not None:
            output.say(
                f"{sure.sli_type.lower()}: of {sure.windows} Balanced targets with confidence {CONFIDENT} or "
                f"more, {_percent(sure.attained)} held."
            )
    for kind, found_map in report.maps.items():
        output.say(f"Calibration map of {kind_text(kind)}: {found_map.source}.")


def kind_text(kind: ObjectiveKind) -> str:
    """Of what a map or a plot is: availability, or latency's percentile."""
    return kind.lower().replace("_", " ")


def _table(title: str, rows: Sequence[TierAccuracy]) -> Table:
    table = output.table(title, "promised, held: share of windows; over-promise in points; [95 % interval]")
    several = len({row.train_days for row in rows}) > 1
    if several:
        table.add_column("days", justify="right")
    table.add_column("estimator", overflow="fold")
    table.add_column("tier", no_wrap=True)
    for name in ("promised", "held", "over-\npromise", "median\ntarget", "windows", "no\ntarget"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        days = [str(row.train_days)] if several else []
        table.add_row(*days, _name(row), row.tier.lower(), *_cells(row))
    return table


def _name(row: TierAccuracy) -> str:
    kind = "" if row.kind is ObjectiveKind.AVAILABILITY else f" {row.kind.removeprefix('LATENCY_').lower()}"
    traffic = "" if row.traffic is None else f", {row.traffic.lower()} traffic"
    return f"{row.estimator.lower().replace('_', ' ')}{kind}{traffic}"


def _cells(row: TierAccuracy) -> list[str | Text]:
    over: str | Text = "–"
    if row.over_promise is not None:
        said = spread_text(row.over_promise)
        over = Text(said, style="red" if row.over_promises else "")
    if row.kind is ObjectiveKind.AVAILABILITY:
        target = f"{percent_from_ratio(row.median_target):g} %"
    else:
        target = f"{row.median_target:g} ms"
    promised = "–" if row.promised is None else f"{row.promised:.1%}"
    return [promised, _percent(row.attained), over, target, str(row.windows), str(row.without_target or "")]


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
