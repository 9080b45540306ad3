"""``sloengine audit verify | list``: what was decided, and whether anybody changed the record."""

from __future__ import annotations

from typing import Annotated

import typer

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.cli import output
from sloengine.cli.decision_shapes import audit_shape, integrity_shape
from sloengine.cli.decision_text import delta_text
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask

audit = typer.Typer(help="The audit trail of decisions.", no_args_is_help=True)


@audit.command("verify")
def audit_verify(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Recompute the hash chain; exit 1 when any entry was changed, removed or reordered."""
    integrity = ask(state_dir, lambda use_cases, _: use_cases.read_ledger.verify())
    entries = f"{integrity.checked} {'entry' if integrity.checked == 1 else 'entries'}"
    if as_json:
        output.print_json(integrity_shape(integrity))
    elif integrity.intact:
        output.out.print(f"intact: {entries}, head {integrity.head_hash or 'none yet'}")
    else:
        output.out.print(
            f"BROKEN at entry {integrity.first_broken_sequence} of {integrity.checked} checked: it is not what "
            "was written, or the one before it is gone. Compare with a backup; `sloengine audit list` shows "
            "what is there.",
            style="bold red",
        )
    if not integrity.intact:
        raise typer.Exit(output.EXIT_FINDING)


@audit.command("list")
def audit_list(
    service: Annotated[str | None, typer.Option(help="Entries of this service.", show_default=False)] = None,
    first: Annotated[int, typer.Option(min=1, max=200, help="Entries shown at most.")] = 50,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """The newest entries."""
    page = ask(
        state_dir,
        lambda use_cases, _: use_cases.read_ledger.audit(
            AuditFilter(service_id=service), PageRequest(first=first)
        ),
    )
    if as_json:
        output.print_json(
            {"auditLog": [audit_shape(event) for event in page.rows], "totalCount": page.total_count}
        )
        return
    table = output.table()
    for column in ("#", "at", "action", "service", "by", "change", "rationale"):
        table.add_column(column)
    for event in page.rows:
        change = ", ".join(delta_text(delta) for delta in event.delta)
        table.add_row(
            str(event.sequence),
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            event.action.lower(),
            event.service_id,
            event.actor,
            change,
            event.rationale or "",
        )
    output.out.print(table)
