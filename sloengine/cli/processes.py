"""``sloengine api | worker | scheduler``: the processes of a deployment."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
import uvicorn

from sloengine.bootstrap.logging import configure_logging
from sloengine.bootstrap.settings import Settings
from sloengine.cli.background import BACKGROUND_ENVIRONMENT, THREADS, scheduler_command, worker_command


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
        ws="sloengine.api.events.served:EndingWebSockets",
        ws_max_size=1024 * 1024,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
    )


def worker(
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    threads: Annotated[
        int,
        typer.Option(
            min=1,
            help="Messages at a time in each; with fewer than 8, the number of queues, an ingestion may wait.",
        ),
    ] = THREADS,
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
