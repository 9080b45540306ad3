"""``sloengine discover names`` and ``decide-name``: the service ids that names were given."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated

import typer

from sloengine.application.ports.paging import MAX_PAGE_SIZE, Page, PageRequest
from sloengine.application.topology.remembered_names import DecideNameCommand, NameDecided
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.decision_shapes import audit_shape
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.cli.shapes import Json
from sloengine.domain.errors import Invalid, NotFound
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.name_choices import NameChoice
from sloengine.domain.topology.name_decisions import RememberedName

_SHOWN = 1_000


class Choice(StrEnum):
    """Which id the name is to have."""

    SHORT = "short"
    FULL = "full"
    FORGET = "forget"


_CHOICES = {Choice.SHORT: NameChoice.SHORT_ID, Choice.FULL: NameChoice.FULL_NAME, Choice.FORGET: NameChoice.FORGET}


def name_shape(name: RememberedName) -> Json:
    """``RememberedName``."""
    namespace, kind = name.told_apart_by
    return {
        "shortId": name.short_id,
        "namespace": namespace,
        "kind": kind,
        "serviceId": name.service_id,
        "sourceName": name.source_name,
        "ownsShortId": name.owns,
    }


def discover_names(
    search: Annotated[
        str | None, typer.Argument(help="Part of an id or of a source's name.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """The service ids that names were given when they were first seen; they stay so."""
    found, total = ask(state_dir, lambda use_cases, _: _names(use_cases, search, _SHOWN))
    if as_json:
        output.print_json({"rememberedNames": [name_shape(name) for name in found], "totalCount": total})
        return
    if not found:
        output.say("no name with a namespace or kind has been seen yet" if search is None else "no such name")
        return
    table = output.table(f"{total} names")
    for column in ("would be", "seen as", "is the service", ""):
        table.add_column(column, overflow="fold")
    for name in found:
        table.add_row(
            name.short_id, name.source_name, name.service_id, "" if name.owns else "the short id is another's"
        )
    output.out.print(table)
    if len(found) < total:
        output.note(f"{total - len(found)} more; ask for a part of the name")


def discover_decide_name(
    source_name: Annotated[str, typer.Argument(help='As `discover names` shows it under "seen as".')],
    choice: Annotated[
        Choice,
        typer.Option(
            "--id",
            case_sensitive=False,
            help="short: the short id, and who had it gets the full name; full: the full name; forget: decided "
            "anew when it is read the next time.",
        ),
    ],
    because: Annotated[str, typer.Option("--because", help="Why, for the audit trail.")],
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Decide which service id a name gets from the next reading on."""

    async def work(use_cases: UseCases, actor: Actor) -> NameDecided:
        name = await _named(use_cases, source_name)
        namespace, kind = name.told_apart_by
        command = DecideNameCommand(name.short_id, namespace, kind, _CHOICES[choice], name.service_id, because)
        return await use_cases.decide_name(command, actor=actor)

    decided = ask(state_dir, work)
    if as_json:
        output.print_json(
            {
                "names": [name_shape(name) for name in decided.chosen.after],
                "auditEvent": audit_shape(decided.audit_event),
                "warnings": list(decided.warnings),
                "userErrors": [],
            }
        )
        return
    output.say(f"{decided.chosen.in_words}; number {decided.audit_event.sequence} in the audit trail")
    for warning in decided.warnings:
        output.warn(warning)


async def _names(
    use_cases: UseCases, search: str | None, most: float = math.inf
) -> tuple[list[RememberedName], int]:
    found: list[RememberedName] = []
    after: str | None = None
    while True:
        page: Page[RememberedName] = await use_cases.read_remembered_names(
            search, PageRequest(first=MAX_PAGE_SIZE, after=after)
        )
        found.extend(page.rows)
        if not page.has_next or len(found) >= most:
            return found, page.total_count
        after = page.cursors[-1]


async def _named(use_cases: UseCases, source_name: str) -> RememberedName:
    found, _ = await _names(use_cases, source_name)
    exact = [name for name in found if name.source_name == source_name]
    if not exact:
        raise NotFound(f"no name {source_name!r} is remembered; `sloengine discover names` shows those that are")
    if len(exact) > 1:
        ids = ", ".join(name.short_id for name in exact)
        raise Invalid(f"{source_name!r} is remembered for several short ids ({ids}): decide by `decideName`")
    return exact[0]
