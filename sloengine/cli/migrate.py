"""``sloengine migrate up | down | status``: the database's schema."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sloengine.bootstrap.database import open_database
from sloengine.cli import output
from sloengine.cli.options import StateDir
from sloengine.cli.session import settings_for
from sloengine.infrastructure.neo4j.migrations import MigrationState

migrate = typer.Typer(help="The database's schema, in numbered reversible steps.", no_args_is_help=True)


@migrate.command("up")
def migrate_up(state_dir: StateDir = None) -> None:
    """Apply what is pending."""
    applied = asyncio.run(_migrated(state_dir, up=True))
    output.out.print(f"applied: {', '.join(applied) or 'nothing, the schema is up to date'}")


@migrate.command("down")
def migrate_down(
    to: Annotated[int, typer.Option(min=0, help="Number of the last migration to keep.", show_default=False)],
    state_dir: StateDir = None,
) -> None:
    """Take migrations back, newest first."""
    reverted = asyncio.run(_migrated(state_dir, up=False, to=to))
    output.out.print(f"reverted: {', '.join(reverted) or 'nothing'}")


async def _migrated(state_dir: Path | None, *, up: bool, to: int = 0) -> list[str]:
    async with open_database(settings_for(state_dir)) as stores:
        steps = await (stores.migrator.up() if up else stores.migrator.down(to))
        return [f"{step.number:04d} {step.name}" for step in steps]


@migrate.command("status")
def migrate_status(state_dir: StateDir = None) -> None:
    """What is applied and what is pending."""

    table = output.table()
    table.add_column("migration")
    table.add_column("state")
    for state in asyncio.run(_states(state_dir)):
        applied = "pending" if state.applied_at is None else f"applied {state.applied_at:%Y-%m-%d %H:%M}"
        by = ", by a newer version" if state.is_newer else ""
        table.add_row(f"{state.number:04d} {state.name}", applied + by)
    output.out.print(table)


async def _states(state_dir: Path | None) -> Sequence[MigrationState]:
    async with open_database(settings_for(state_dir)) as stores:
        return await stores.migrator.status()
