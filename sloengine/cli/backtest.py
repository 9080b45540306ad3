"""``sloengine backtest``: any objective over the past, from the running engine or from files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from sloengine.application.recommendation.backtest_objective import BacktestCommand, replayed
from sloengine.cli import output
from sloengine.cli.backtest_text import print_backtest
from sloengine.cli.options import AsJson, StateDir, Window
from sloengine.cli.recommendation_shapes import backtest_shape
from sloengine.cli.session import ask
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.decisions import MAX_THRESHOLD_MS
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.reliability.percent import percent_from_ratio, ratio_from_percent
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli


def backtest(
    service: Annotated[str, typer.Argument(help="Service id.", show_default=False)],
    target: Annotated[
        list[float] | None,
        typer.Option(help="Availability in percent, such as 99.9; may be repeated.", show_default=False),
    ] = None,
    p95: Annotated[
        list[float] | None,
        typer.Option(help="95 % of requests within so many ms; may be repeated.", show_default=False),
    ] = None,
    p99: Annotated[
        list[float] | None,
        typer.Option(help="99 % of requests within so many ms; may be repeated.", show_default=False),
    ] = None,
    window: Window = ComplianceWindow.ROLLING_28D,
    plot: Annotated[bool, typer.Option("--plot/--no-plot", help="The error budget over past windows.")] = True,
    sli: Annotated[
        Path | None,
        typer.Option(
            help="Replay this CSV (timestamp,service,good,total) instead of a server.", show_default=False
        ),
    ] = None,
    latency: Annotated[
        Path | None,
        typer.Option(help="Replay this CSV (timestamp,service,le,count) instead of a server.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Replay any objective over the past: windows met, worst stretches, alerts that would have fired."""
    targets = [_availability(percent) for percent in target or ()]
    targets += [_latency(ObjectiveKind.LATENCY_P95, "--p95", threshold) for threshold in p95 or ()]
    targets += [_latency(ObjectiveKind.LATENCY_P99, "--p99", threshold) for threshold in p99 or ()]
    if not targets:
        raise Invalid("name what to replay: --target 99.9, --p95 250 or --p99 500; each may be repeated")
    command = BacktestCommand(service, targets, window)
    found = (
        ask(state_dir, lambda use_cases, _: use_cases.backtest_objective(command))
        if sli is None and latency is None
        else _from_files(command, sli, latency)
    )
    if as_json:
        output.print_json({"backtests": [_shape(one, answer) for one, answer in zip(targets, found, strict=True)]})
        return
    for one, answer in zip(targets, found, strict=True):
        print_backtest(service, one, window, answer, plot=plot)


def _availability(percent: float) -> SloTarget:
    if not 0 < percent < 100:
        raise Invalid(
            f"must lie between 0 and 100, both excluded, not {percent:g} (100 % leaves no budget to replay)",
            path=("--target",),
        )
    return SloTarget(ObjectiveKind.AVAILABILITY, ratio_from_percent(percent))


def _latency(kind: ObjectiveKind, option: str, threshold_ms: float) -> SloTarget:
    if not 0 < threshold_ms <= MAX_THRESHOLD_MS:
        raise Invalid(
            f"must lie above 0 and at most {MAX_THRESHOLD_MS:.0f} ms, not {threshold_ms:g}", path=(option,)
        )
    return SloTarget(kind, threshold_ms=threshold_ms)


def _from_files(command: BacktestCommand, sli: Path | None, latency: Path | None) -> Sequence[Backtest | None]:
    panel = None if sli is None else read_sli(sli)
    histories = {} if latency is None else read_latency(latency)
    ends = [] if panel is None else [panel.ends_at]
    ends += [history.start_at + timedelta(days=len(history.counts)) for history in histories.values()]
    known = {*(() if panel is None else panel.service_ids), *histories}
    if command.service_id not in known:
        raise Invalid(
            f"no service {command.service_id!r} in these files; they have {', '.join(sorted(known)[:8])}"
        )
    starts = [] if panel is None else [panel.start_at]
    starts += [history.start_at for history in histories.values()]
    days = math.ceil((max(ends) - min(starts)) / timedelta(days=1))
    return replayed(command, panel, histories, as_of=max(ends), lookback_days=days)


def _shape(target: SloTarget, answer: Backtest | None) -> dict[str, Any]:
    ratio = target.availability_ratio
    return {
        "kind": target.kind.value,
        "availabilityPercent": None if ratio is None else percent_from_ratio(ratio),
        "thresholdMs": target.threshold_ms,
        "backtest": None if answer is None else backtest_shape(answer),
    }
