"""CPU and memory of a process and its children while something is measured."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 0.5


class Watched:
    """A context: afterwards ``cpu_seconds`` used in between, and ``peak_bytes``, the largest resident sum seen."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self.cpu_seconds = 0.0
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._before = self._cpu()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.cpu_seconds = self._cpu() - self._before

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.peak_bytes = max(self.peak_bytes, sum(each.memory_info().rss for each in self._tree()))

    def _cpu(self) -> float:
        return sum(each.cpu_times().user + each.cpu_times().system for each in self._tree())

    def _tree(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]
