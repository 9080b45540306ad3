"""``sloengine cypher``: the prompt on whichever Neo4j is in use."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from sloengine.bootstrap.database import open_database
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir
from sloengine.cli.session import settings_for
from sloengine.domain.errors import DomainError
from sloengine.infrastructure.neo4j.console import CypherAnswer, run_cypher


def cypher(
    query: Annotated[
        str | None,
        typer.Argument(help="A Cypher query; `-` reads it from stdin; none opens the prompt.", show_default=False),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Allow writes; without it the server refuses them.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows shown at most.")] = 1_000,
    as_json: AsJson = False,
    state_dir: StateDir = None,
) -> None:
    """Ask the graph in Cypher. Read mode unless --write. See docs/cypher.md for questions worth asking."""
    settings = settings_for(state_dir)

    async def run(text: str) -> CypherAnswer:
        async with open_database(settings) as stores:
            return await run_cypher(stores.connection, text, write=write, limit=limit)

    if query is not None:
        text = typer.get_text_stream("stdin").read() if query == "-" else query
        _show(asyncio.run(run(text)), as_json=as_json)
        return
    mode = "WRITES ALLOWED" if write else "read mode"
    output.note(f"{settings.neo4j_url}, {mode}. End a query with ; and leave with :exit or Ctrl-D.")
    while (typed := _typed()) is not None:
        try:
            _show(asyncio.run(run(typed)), as_json=as_json)
        except DomainError as error:
            output.err.print(str(error), style="red", markup=False, highlight=False)


def _typed() -> str | None:
    """A query that ends with a semicolon, perhaps over several lines; None to leave."""
    lines: list[str] = []
    while True:
        try:
            line = input("cypher> " if not lines else "   ...> ")
        except (EOFError, KeyboardInterrupt):
            return None
        if not lines and line.strip().lower() in {":exit", ":quit", "exit", "quit"}:
            return None
        lines.append(line)
        if line.rstrip().endswith(";"):
            return "\n".join(lines).rstrip().rstrip(";")


def _show(answer: CypherAnswer, *, as_json: bool) -> None:
    if as_json:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        output.print_json({"columns": list(answer.columns), "rows": rows, "truncated": answer.truncated})
        return
    table = output.table()
    for column in answer.columns:
        table.add_column(column, overflow="fold")
    for row in answer.rows:
        table.add_row(*(_cell(value) for value in row))
    output.out.print(table)
    cut = f", cut at {len(answer.rows)}" if answer.truncated else ""
    output.note(f"{len(answer.rows)} {'row' if len(answer.rows) == 1 else 'rows'}{cut}")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        # Counts are stored as floats, because they may be fractions: no exponent for those.
        return f"{value:.0f}" if 1e6 <= abs(value) < 1e15 or value.is_integer() else f"{value:.6g}"
    return str(value)
