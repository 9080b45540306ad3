"""``sloengine divergences``: where declared and observed dependencies disagree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.graph_shapes import divergence_shape
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import ask
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import Divergence


def divergences(
    first: Annotated[int, typer.Option(min=1, max=200, help="How many to list, youngest first.")] = 50,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """List dependencies that are declared and not observed, or observed and not declared."""

    async def work(use_cases: UseCases, _: Actor) -> Page[Divergence]:
        return await use_cases.read_divergences.page(PageRequest(first=first))

    page = ask(state_dir, work)
    if as_json:
        output.print_json(
            {"divergences": [divergence_shape(one) for one in page.rows], "totalCount": page.total_count}
        )
    elif page.rows:
        output.out.print(_table(page.rows, page.total_count, datetime.now(UTC)))
    else:
        output.say("what is declared and what is observed agree, wherever somebody looks at both")


def _table(found: Sequence[Divergence], total: int, now: datetime) -> Table:
    table = output.table(f"{len(found)} of {total} divergences")
    for column in ("caller", "dependency"):
        table.add_column(column, overflow="fold")
    for column in ("declared by", "observed by", "days"):
        table.add_column(column)
    for one in found:
        table.add_row(
            one.caller,
            one.dependency,
            _names(one.declared_by),
            _names(one.observed_by),
            f"{(now - one.since).total_seconds() / 86_400:.1f}",
        )
    return table


def _names(sources: Sequence[DiscoverySource]) -> str:
    return ", ".join(source.lower() for source in sources) or "nobody"
