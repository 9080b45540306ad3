"""Progress of a long start, on stderr: bars on a terminal, one line a step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sloengine.cli import output

_MEGABYTE = 1_000_000
_QUARTERS = 4


class Steps:
    """Says what is going on, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said_quarter = -1

    def say(self, text: str) -> None:
        """One line."""
        output.note(f"[{time.monotonic() - self._began:6.1f} s] {text}")

    def bytes_fetched(self, there: int, total: int) -> None:
        """How far the download of Neo4j is; said once a quarter."""
        quarter = _QUARTERS * there // total
        if quarter != self._said_quarter:
            self._said_quarter = quarter
            self.say(
                f"fetching Neo4j (the first time only): {there / _MEGABYTE:.0f} of {total / _MEGABYTE:.0f} MB"
            )

    @contextmanager
    def bar(self, text: str) -> Iterator[Callable[[float], None]]:
        """A step with a share that is done, 0 to 1."""
        began = time.monotonic()
        if not output.err.is_terminal:
            self.say(text)
            yield lambda _: None
        else:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
            with Progress(*columns, console=output.err, transient=True) as progress:
                task = progress.add_task(text, total=1.0)
                yield lambda share: progress.update(task, completed=share)
        self.say(f"{text}: done in {time.monotonic() - began:.1f} s")
