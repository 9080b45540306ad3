"""stdout carries the answer, stderr everything else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

WIDTH_WITHOUT_TERMINAL = 120


def console(*, stderr: bool) -> Console:
    """As wide as the terminal or ``COLUMNS`` say; a pipe has no width, and 80 columns would squeeze the tables.

    Names are shown as they are: ``[fe80::1]:443`` is no style and ``:key:`` no picture.
    """
    stream = sys.stderr if stderr else sys.stdout
    knows_width = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, width=None if knows_width else WIDTH_WITHOUT_TERMINAL, markup=False, emoji=False)


out = console(stderr=False)
err = console(stderr=True)

EXIT_FINDING = 1
EXIT_BAD_INPUT = 2
EXIT_UNAVAILABLE = 3


def table(title: str | None = None, caption: str | None = None) -> Table:
    """A table without columns yet, as all of this program's look."""
    return Table(title=title, caption=caption, header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def reasons(of_each: Sequence[tuple[str, str]]) -> None:
    """One sentence for each name, below their table: in a narrow column a reason would stand on end."""
    for name, reason in of_each:
        say(f"  {name}: {reason}")


def print_json(shape: Any) -> None:
    """JSON, indented, one document."""
    typer.echo(json.dumps(shape, indent=2, ensure_ascii=False, allow_nan=False))


def say(text: str, style: str | None = None) -> None:
    """A sentence of the answer, on stdout: wrapped in a terminal, a whole line in a pipe."""
    out.print(text, style=style, highlight=False, markup=False, soft_wrap=not out.is_terminal)


def note(text: str) -> None:
    """A remark to the person, on stderr."""
    _tell(text, None)


def warn(text: str) -> None:
    """Something to look at, on stderr."""
    _tell(f"warning: {text}", "yellow")


def error(text: str) -> None:
    """Why there is no answer, on stderr."""
    _tell(f"error: {text}", "red")


def _tell(text: str, style: str | None) -> None:
    err.print(text, style=style, highlight=False, markup=False, soft_wrap=not err.is_terminal)
