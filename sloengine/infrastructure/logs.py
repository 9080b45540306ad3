"""Loggers that tell no more than they are told, in every process."""

from __future__ import annotations

import sys
from typing import Any

import structlog

PLAIN = structlog.dev.plain_traceback
"""Tracebacks without the values of local variables: these hold secrets and whole graphs, minutes to print."""


def get_logger(name: str) -> Any:
    """A structured logger; every module takes its logger here.

    In a process that has not said how it logs (a command, a script, a test), structlog would print to stdout,
    among what was asked for, and beside an exception the values of all local variables. There it is plain text on
    stderr.
    """
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.dev.set_exc_info,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=PLAIN),
            ],
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the one of the moment
            cache_logger_on_first_use=False,
        )
    return structlog.get_logger(name)
