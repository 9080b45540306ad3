"""``sloengine cycles``: circular-dependency alerts, and what people say to them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.topology.update_alert import UpdateAlertCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.graph_shapes import alert_shape
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.errors import Invalid
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert

cycles = typer.Typer(help="List alerts of circular dependencies; acknowledge, resolve or reopen one.")

AlertId = Annotated[str, typer.Argument(metavar="ID", help="Id of the alert, as listed.", show_default=False)]
Note = Annotated[str | None, typer.Option(help="What to say to it; kept in its history.", show_default=False)]
_MOST_SERVICES = 6


@cycles.callback(invoke_without_command=True)
def cycles_list(
    context: typer.Context,
    status: Annotated[
        AlertStatus | None, typer.Option(case_sensitive=False, help="Only these.", show_default=False)
    ] = None,
    first: Annotated[int, typer.Option(min=1, max=200, help="How many to list, newest first.")] = 50,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """List alerts of circular dependencies, newest first."""
    if context.invoked_subcommand is not None:
        if status is not None or first != 50 or as_json or state_dir is not None:
            raise Invalid(f"put options behind `{context.invoked_subcommand}`")
        return

    async def work(use_cases: UseCases, _: Actor) -> Page[CircularDependencyAlert]:
        return await use_cases.read_graph.alerts(status, PageRequest(first=first))

    page = ask(state_dir, work)
    if as_json:
        shapes = [alert_shape(one) for one in page.rows]
        output.print_json({"circularDependencyAlerts": shapes, "totalCount": page.total_count})
        return
    if not page.rows:
        output.say("no alert" if status is None else f"no alert is {status.lower()}")
        return
    table = output.table(f"{len(page.rows)} of {page.total_count} alerts")
    for column in ("id", "status", "since", "way around", "services", "note"):
        table.add_column(column, overflow="fold")
    for one in page.rows:
        table.add_row(
            one.alert_id,
            one.status.lower(),
            f"{one.detected_at:%Y-%m-%d %H:%M}",
            _way(one.cycle_path),
            str(len(one.members)),
            one.note or "–",
        )
    output.out.print(table)


@cycles.command("acknowledge")
def cycles_acknowledge(
    alert: AlertId, note: Note = None, as_json: AsJson = False, state_dir: StateDir = None
) -> None:
    """Say that a cycle is known; it opens again when most of its members are new."""
    _update(alert, AlertStatus.ACKNOWLEDGED, note, state_dir, as_json=as_json)


@cycles.command("resolve")
def cycles_resolve(alert: AlertId, note: Note = None, as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Close an alert although the cycle is there; it stays closed until new members join."""
    _update(alert, AlertStatus.RESOLVED, note, state_dir, as_json=as_json)


@cycles.command("reopen")
def cycles_reopen(alert: AlertId, note: Note = None, as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Open an alert again."""
    _update(alert, AlertStatus.OPEN, note, state_dir, as_json=as_json)


def _update(alert: str, status: AlertStatus, note: str | None, state_dir: Path | None, *, as_json: bool) -> None:
    command = UpdateAlertCommand(_stored(alert), status, note)
    changed = ask(state_dir, lambda use_cases, actor: use_cases.update_alert(command, actor=actor))
    if as_json:
        output.print_json({"alert": alert_shape(changed), "userErrors": []})
        return
    output.say(f"{changed.alert_id} is {changed.status.lower()}: {_way(changed.cycle_path)}")


def _stored(given: str) -> str:
    """The stored id, also of the id that ``--json`` and the API show."""
    try:
        plain = base64.b64decode(given, validate=True).decode()
    except ValueError:  # not base64, or no text
        return given
    kind, _, stored = plain.partition(":")
    return stored if kind == "CircularDependencyAlert" else given


def _way(cycle_path: Sequence[str]) -> str:
    if len(cycle_path) <= _MOST_SERVICES:
        return " → ".join(cycle_path)
    left_out = len(cycle_path) - _MOST_SERVICES
    return " → ".join([*cycle_path[: _MOST_SERVICES - 1], f"… {left_out} more …", cycle_path[-1]])
