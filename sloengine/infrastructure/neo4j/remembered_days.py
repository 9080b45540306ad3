"""Days that this process has read, good as long as nobody has written them since.

Nothing here is needed by another process, and nothing is trusted unseen: every read first asks for the revision of
the stored days, and what lies at or after the first day touched since is read again. The hour that is aggregated
now therefore costs a reader the present day, not its whole look-back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np

from sloengine.infrastructure.neo4j.day_runs import DayRun

CAPACITY = 16_000_000
"""Numbers of 8 bytes kept: 128 MB, the 90 days of some 3,600 services."""
_PER_ENTRY = 64
_NUMBERS_PER_DAY = 49


@dataclass(frozen=True, slots=True)
class Revision:
    """State of the stored days.

    ``epoch``: another one when the record of changes was begun anew. ``touched``: first day of each write, newest
    first, of the last few hundred; the newest is write ``number``.
    """

    epoch: str
    number: int
    touched: tuple[int, ...]

    def first_touched_since(self, earlier: Revision, *, up_to: int) -> int | None:
        """The first day written after ``earlier``, at most ``up_to``; None where it is no longer on record."""
        behind = self.number - earlier.number
        if self.epoch != earlier.epoch or not 0 <= behind <= len(self.touched):
            return None
        return min((up_to, *self.touched[:behind]))


@dataclass(frozen=True, slots=True)
class _Entry:
    """All stored days from ``first`` up to ``until``, which is not included, as of ``revision``."""

    revision: Revision
    first: int
    until: int
    runs: tuple[DayRun, ...]

    @property
    def size(self) -> int:
        return _PER_ENTRY + sum(run.value_count for run in self.runs)


class RememberedDays[Key: Hashable]:
    """Runs by series; those not asked for the longest go first when there are too many."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._size = 0
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def holds(self, count: int, days: int) -> bool:
        """Whether so many hourly series fit in; a larger read would only drive everything else out."""
        return count * (_PER_ENTRY + _NUMBERS_PER_DAY * days) <= self._capacity

    def known(self, key: Key, first: int, now: Revision) -> tuple[int, tuple[DayRun, ...]]:
        """The first day that has to be read, and all stored days between ``first`` and it."""
        entry = self._entries.get(key)
        if entry is None or entry.first > first:
            return first, ()
        until = now.first_touched_since(entry.revision, up_to=entry.until)
        if until is None or until <= first:
            return first, ()
        runs = _between(entry.runs, first, until - 1)
        self.keep(key, now, first, until, runs)
        return until, runs

    def keep(self, key: Key, revision: Revision, first: int, until: int, runs: tuple[DayRun, ...]) -> None:
        """All stored days from ``first`` up to ``until`` (not included), read at or after ``revision``."""
        before = self._entries.pop(key, None)
        entry = self._entries[key] = _Entry(revision, first, until, runs)
        self._size += entry.size - (0 if before is None else before.size)
        while self._size > self._capacity:
            _, dropped = self._entries.popitem(last=False)
            self._size -= dropped.size


def appended(known: Iterable[DayRun], later: Iterable[DayRun]) -> tuple[DayRun, ...]:
    """One run a step; the days of ``later`` come after all of ``known``."""
    by_step: dict[int, list[DayRun]] = {}
    for run in (*known, *later):
        if run.days.size:
            by_step.setdefault(run.step_seconds, []).append(run)
    return tuple(runs[0] if len(runs) == 1 else _chained(step, runs) for step, runs in by_step.items())


def _chained(step_seconds: int, runs: list[DayRun]) -> DayRun:
    return DayRun(
        step_seconds,
        np.concatenate([run.days for run in runs]),
        np.concatenate([run.part for run in runs]),
        np.concatenate([run.whole for run in runs]),
        None
        if all(run.coverage is None for run in runs)
        else np.concatenate([np.ones_like(run.whole) if run.coverage is None else run.coverage for run in runs]),
    )


def _between(runs: Iterable[DayRun], first: int, last: int) -> tuple[DayRun, ...]:
    cut = (run.between(first, last) for run in runs)
    return tuple(run for run in cut if run.days.size)
