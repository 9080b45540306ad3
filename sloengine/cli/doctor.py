"""``sloengine doctor``: what works, what does not, and what to do about it."""

from __future__ import annotations

import asyncio

import typer
from rich.text import Text

from sloengine.bootstrap.diagnosis import Finding, Health, diagnose
from sloengine.bootstrap.settings import Settings
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import settings_for

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.RED: "bold red"}


def doctor(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Look at everything that a recommendation needs; exit 1 when something is red."""
    findings = asyncio.run(_all(settings_for(state_dir)))
    if as_json:
        shapes = [{"part": f.part, "health": f.health, "message": f.message} for f in findings]
        output.print_json({"findings": shapes})
    else:
        table = output.table()
        for column in ("part", "health", ""):
            table.add_column(column)
        for finding in findings:
            table.add_row(finding.part, Text(finding.health, _STYLES[finding.health]), finding.message)
        output.out.print(table)
    if any(finding.health is Health.RED for finding in findings):
        raise typer.Exit(output.EXIT_FINDING)


async def _all(settings: Settings) -> list[Finding]:
    return [finding async for finding in diagnose(settings)]
