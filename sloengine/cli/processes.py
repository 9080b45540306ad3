"""``sloengine api | worker | scheduler | migrate``: the processes of a deployment."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.table import Table

from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.logging import configure_logging
from sloengine.bootstrap.settings import Settings
from sloengine.cli import output
from sloengine.cli.background import BACKGROUND_ENVIRONMENT, scheduler_command, worker_command
from sloengine.cli.session import StateDir, settings_for
from sloengine.infrastructure.neo4j.migrations import MigrationState

migrate = typer.Typer(help="The database's schema, in numbered reversible steps.", no_args_is_help=True)


def api(
    host: Annotated[str | None, typer.Option(help="Address to bind; default $SLOENGINE_HTTP_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default $SLOENGINE_HTTP_PORT.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="API processes.")] = 1,
) -> None:
    """Serve GraphQL, GraphiQL, health and metrics."""
    settings = Settings()
    configure_logging(settings)
    uvicorn.run(
        "sloengine.api.app:create_app",
        factory=True,
        host=host or settings.http_host,
        port=settings.http_port if port is None else port,
        workers=workers,
        log_config=None,
        timeout_graceful_shutdown=30,
    )


def worker(
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Messages at a time in each.")] = 4,
) -> None:
    """Run the background actors."""
    _become(worker_command(processes, threads))


def scheduler() -> None:
    """Enqueue the periodic actors; one alive at a time does it, others stand by."""
    _become(scheduler_command())


def _become(command: list[str]) -> None:
    """Replace this process by another Python, so that signals reach the one that works."""
    sys.stdout.flush()
    os.execve(command[0], command, {**BACKGROUND_ENVIRONMENT, **os.environ})  # noqa: S606 - own interpreter, no shell


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

    table = Table(header_style="bold", pad_edge=False)
    table.add_column("migration")
    table.add_column("state")
    for state in asyncio.run(_states(state_dir)):
        applied = "pending" if state.applied_at is None else f"applied {state.applied_at:%Y-%m-%d %H:%M}"
        table.add_row(f"{state.number:04d} {state.name}", applied)
    output.out.print(table)


async def _states(state_dir: Path | None) -> Sequence[MigrationState]:
    async with open_database(settings_for(state_dir)) as stores:
        return await stores.migrator.status()
