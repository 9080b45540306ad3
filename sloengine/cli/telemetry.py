"""``sloengine load-sli``: put recorded series into the running engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.telemetry.load_sli import LoadReport, LoadSliCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.cli.shapes import time
from sloengine.domain.governance.model import Actor
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli


def load_sli(
    file: Annotated[
        Path | None, typer.Argument(help="CSV: timestamp,service,good,total.", show_default=False)
    ] = None,
    latency: Annotated[
        Path | None, typer.Option(help="CSV: timestamp,service,le,count (cumulative over le).", show_default=False)
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Load good and valid events, and latency histograms, from files; any step from 1 min to 1 d."""
    if file is None and latency is None:
        raise typer.BadParameter("name a file with timestamp,service,good,total, or --latency FILE")
    command = LoadSliCommand(
        panel=None if file is None else read_sli(file),
        latency=() if latency is None else tuple(read_latency(latency).values()),
    )

    async def work(use_cases: UseCases, actor: Actor) -> LoadReport:
        report = await use_cases.load_sli(command, actor=actor)
        await use_cases.learn_priors()
        return report

    report = ask(state_dir, work)
    if as_json:
        output.print_json(
            {
                "services": report.services,
                "intervals": report.intervals,
                "latencyDays": report.latency_days,
                "from": time(report.from_at),
                "to": time(report.to_at),
                "registered": list(report.registered),
            }
        )
        return
    period = (
        "" if report.from_at is None else f", {report.from_at:%Y-%m-%d %H:%M} to {report.to_at:%Y-%m-%d %H:%M}"
    )
    output.out.print(
        f"{report.services} services, {report.intervals:,} intervals, {report.latency_days:,} latency days{period}"
    )
    if report.registered:
        output.note(f"new in the graph: {', '.join(report.registered)}")
    output.note("next: `sloengine recommend SERVICE --force`")
