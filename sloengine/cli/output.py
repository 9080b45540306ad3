"""stdout carries the answer, stderr everything else."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console

out = Console(soft_wrap=False)
err = Console(stderr=True)

EXIT_FINDING = 1
EXIT_BAD_INPUT = 2
EXIT_UNAVAILABLE = 3


def print_json(shape: Any) -> None:
    """JSON, indented, one document."""
    typer.echo(json.dumps(shape, indent=2, ensure_ascii=False, allow_nan=False))


def note(text: str) -> None:
    """A remark to the person, on stderr."""
    err.print(text, highlight=False, markup=False)


def warn(text: str) -> None:
    """Something to look at, on stderr."""
    err.print(f"warning: {text}", style="yellow", highlight=False, markup=False)
