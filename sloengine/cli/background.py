"""Commands of the background processes. Imports nothing heavy: each of them starts a Python of its own."""

from __future__ import annotations

import sys

# One message of a queue at a time in each process: what is waiting goes to whoever is free.
BACKGROUND_ENVIRONMENT = {"dramatiq_queue_prefetch": "1"}


THREADS = 8
"""One for each queue: with fewer an ingestion would wait for a thread while the others work at length."""


def worker_command(processes: int = 1, threads: int = THREADS) -> list[str]:
    """Runs the actors: ``threads`` messages at a time in each of the processes."""
    return [sys.executable, "-m", "dramatiq", "workers", "--processes", str(processes), "--threads", str(threads)]


def scheduler_command() -> list[str]:
    """Enqueues the periodic actors."""
    # periodiq can be started by its console script only, which may not be on PATH
    return [sys.executable, "-c", "import periodiq; periodiq.entrypoint()", "workers"]
