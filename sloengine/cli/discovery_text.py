"""Discovery as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from rich.table import Table
from rich.text import Text

from sloengine.application.ports.discovery_store import StoredNameRules
from sloengine.application.topology.scheduled_discovery import DiscoveryState
from sloengine.cli import output
from sloengine.domain.topology.discovery_difference import ChangeKind, DiscoveryDifference, FieldChange
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES

MAX_ROWS = 200
_STYLES = {
    ChangeKind.ADDED: "green",
    ChangeKind.CHANGED: "yellow",
    ChangeKind.WITHDRAWN: "red",
    ChangeKind.UNSEEN: "dim",
}


def difference_tables(found: DiscoveryDifference) -> Iterator[Table | str]:
    """What would change, first in a sentence, then row by row."""
    yield (
        f"{found.source} from {', '.join(found.readings)}, {found.since:%Y-%m-%d %H:%M} to "
        f"{found.until:%Y-%m-%d %H:%M} UTC: {found.count(ChangeKind.ADDED)} dependencies added, "
        f"{found.count(ChangeKind.CHANGED)} changed, {found.count(ChangeKind.WITHDRAWN)} withdrawn, "
        f"{found.count(ChangeKind.UNSEEN)} not seen this time, {found.dependencies_unchanged} as before; "
        f"{len(found.services)} services new or known better."
    )
    if found.dependencies:
        table = output.table(caption=_rest(len(found.dependencies), "dependencies"))
        for column in ("", "caller", "dependency", "calls", "failed", "what", "also claimed by"):
            table.add_column(column, justify="right" if column in ("calls", "failed") else "left", overflow="fold")
        for one in found.dependencies[:MAX_ROWS]:
            table.add_row(
                Text(one.kind.lower(), style=_STYLES[one.kind]),
                one.caller,
                one.dependency,
                _count(one.calls),
                _share(one.failed_calls, one.calls),
                _fields(one.fields),
                ", ".join(source.lower() for source in one.other_sources) or "nobody",
            )
        yield table
    if found.services:
        table = output.table(caption=_rest(len(found.services), "services"))
        for column in ("", "service", "what"):
            table.add_column(column, overflow="fold")
        for change in found.services[:MAX_ROWS]:
            style = _STYLES[change.kind]
            table.add_row(Text(change.kind.lower(), style=style), change.service_id, _fields(change.fields))
        yield table
    if found.renamed or found.left_out:
        table = output.table(caption=_rest(max(len(found.renamed), len(found.left_out)), "names"))
        for column in ("name at the source", "becomes", "by"):
            table.add_column(column, overflow="fold")
        for renamed in found.renamed[:MAX_ROWS]:
            table.add_row(renamed.source_name, renamed.service_id, renamed.rule)
        for left_out in found.left_out[:MAX_ROWS]:
            table.add_row(left_out.source_name, Text("left out", style="dim"), left_out.reason)
        yield table


def rules_table(stored: StoredNameRules | None) -> Table:
    """Aliases and rules in the order in which they are tried."""
    rules = DEFAULT_NAME_RULES if stored is None else stored.rules
    saved = "" if stored is None else f"name rules, revision {stored.revision}, saved by {stored.saved_by}"
    title = saved or "shipped name rules"
    table = output.table(
        title, "aliases first, then the first rule that matches; other names are service ids as is"
    )
    for column in ("rule", "names like", "become", "of"):
        table.add_column(column, overflow="fold")
    for source_name, service_id in sorted(rules.aliases.items()):
        table.add_row("alias", source_name, service_id or "no service", "all")
    for rule in rules.rules:
        whose = ", ".join(source.lower() for source in rule.sources) or "all"
        table.add_row(rule.name, rule.pattern, rule.service_id or "no service", whose)
    return table


def states_table(states: Sequence[DiscoveryState]) -> Table:
    """One row a source."""
    table = output.table(None if states else "nothing is configured to discover from: see docs/discovery.md")
    for column in ("source", "readings", "every", "last read", "found", "remarks"):
        table.add_column(column, overflow="fold")
    for state in states:
        run = state.last_run
        every = "on demand" if state.every is None else f"{state.every // timedelta(minutes=1)} min"
        remarks = [] if run is None else [*([run.error] if run.error else []), *run.warnings]
        table.add_row(
            state.source.lower(),
            ", ".join(state.readings),
            every,
            "never" if run is None else f"{run.started_at:%Y-%m-%d %H:%M}",
            "–" if run is None or run.error else f"{run.dependencies} dependencies",
            "; ".join(remarks),
        )
    return table


def _fields(changes: tuple[FieldChange, ...]) -> str:
    return ", ".join(
        f"{one.name} {one.after}"
        if one.before is None
        else f"{one.name} {one.before} → {one.after or 'not known'}"
        for one in changes
    )


def _count(calls: float | None) -> str:
    return "–" if calls is None else f"{calls:,.0f}"


def _share(failed: float | None, calls: float | None) -> str:
    return "–" if failed is None or not calls else f"{100 * failed / calls:.2f} %"


def _rest(rows: int, what: str) -> str | None:
    return None if rows <= MAX_ROWS else f"{rows - MAX_ROWS} more {what}: --json lists all"
