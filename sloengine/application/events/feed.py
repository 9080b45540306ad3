"""One reader of the stream for all who follow it in this process, and what each has still to take."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise

from sloengine.application.ports.outbox import EventLog, EventStream, OutboxEvent
from sloengine.domain.errors import DomainError, NotFound, Unavailable

MAX_WAITING = 1_000
MAX_BEHIND = 10_000
TAKEN_AT_ONCE = 50
READ_AT_ONCE = 500

_log = logging.getLogger(__name__)


class TooSlow(Unavailable):
    """Who follows takes less than comes."""


class Overrun(Exception):
    """More came at once than is kept for a follower; the log has it."""


class Following:
    """What one follower has still to take: what it ``wants`` of all that comes, up to ``most_waiting``."""

    def __init__(self, position: int, wants: Callable[[OutboxEvent], bool], most_waiting: int) -> None:
        self.position = position
        """The last number that came before this."""
        self._wants = wants
        self._most_waiting = most_waiting
        self._waiting: deque[OutboxEvent] = deque()
        self._ended: DomainError | Overrun | None = None
        self._changed = asyncio.Event()

    def offer(self, events: Sequence[OutboxEvent]) -> None:
        """Keep those that are wanted; one too many, and it ends with ``Overrun``."""
        if self._ended is not None:
            return
        self._waiting.extend(event for event in events if self._wants(event))
        if len(self._waiting) > self._most_waiting:
            self.end(Overrun())
        if self._waiting:
            self._changed.set()

    def end(self, why: DomainError | Overrun) -> None:
        """Nothing more comes, and what has not been taken is dropped: ``after`` brings it back."""
        self._waiting.clear()
        self._ended = why
        self._changed.set()

    async def take(self) -> Sequence[OutboxEvent]:
        """The next ones, as soon as there are some. Raises what has ended it."""
        await self._changed.wait()
        if self._ended is not None:
            raise self._ended
        taken = [self._waiting.popleft() for _ in range(min(TAKEN_AT_ONCE, len(self._waiting)))]
        if not self._waiting:
            self._changed.clear()
        return taken


class EventFeed:
    """Numbered events in their order, each once, to all that follow.

    The stream is quick and may lose, repeat and swap. Numbers tell: where one is missing the log is read, which
    has them all. It is asked too when the stream has been silent for a while, or does not answer. The feed reads
    only while somebody follows.

    What one follower has not taken is kept up to ``most_waiting``; beyond it has to read the log, and who is more
    than ``most_behind`` behind then is too slow.
    ``idle_seconds``: how long a loss of the stream stays unseen at most; ``away_seconds``: the same, while the
    stream does not answer.
    """

    def __init__(
        self,
        log: EventLog,
        stream: EventStream,
        *,
        idle_seconds: float = 3.0,
        away_seconds: float = 1.0,
        most_waiting: int = MAX_WAITING,
        most_behind: int = MAX_BEHIND,
    ) -> None:
        self.log = log
        self.most_behind = most_behind
        self._stream = stream
        self._idle_seconds = idle_seconds
        self._away_seconds = away_seconds
        self._most_waiting = most_waiting
        self._followers: set[Following] = set()
        self._position = 0
        self._place: str | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._followers)

    async def join(self, wants: Callable[[OutboxEvent], bool]) -> Following:
        """Follow from now on, until ``leave``. Raises ``Unavailable``."""
        async with self._starting:
            if self._reader is None:
                self._place = await self._end_of_stream()
                self._position = await self.log.newest()
                self._reader = asyncio.create_task(self._read())
            following = Following(self._position, wants, self._most_waiting)
            self._followers.add(following)
            return following

    def leave(self, following: Following) -> None:
        """Follow no more; the last one to leave ends the reading."""
        self._followers.discard(following)
        if not self._followers and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def close(self) -> None:
        """End all that follow, and the reading."""
        reader, self._reader = self._reader, None
        self._end_all(Unavailable("this process of the engine stops: follow again with `after`"))
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])

    def _end_all(self, why: DomainError) -> None:
        for following in self._followers:
            following.end(why)
        self._followers.clear()

    async def _read(self) -> None:
        try:
            while True:
                try:
                    await self._read_on()
                except Unavailable as error:
                    _log.info("events are late: %s", error)
                    await asyncio.sleep(self._away_seconds)
        except DomainError as error:
            self._give_up(error)
        except Exception:
            _log.exception("reading events broke")
            self._give_up(Unavailable("events cannot be read: follow again with `after`"))

    def _give_up(self, why: DomainError) -> None:
        self._end_all(why)
        self._reader = None

    async def _read_on(self) -> None:
        place = self._place
        if place is None:
            place = await self._end_of_stream()
            await self._read_log()
        if place is None:
            await asyncio.sleep(self._away_seconds)
            return
        self._place = None  # unless it answers
        self._place, told = await self._stream.after(place, self._idle_seconds)
        new = [event for event in told if event.number is not None and event.number > self._position]
        if new and _in_a_row(self._position, new):
            self._tell(new)
        elif new or not told:
            await self._read_log()

    async def _end_of_stream(self) -> str | None:
        try:
            return await self._stream.end()
        except Unavailable:
            return None

    async def _read_log(self) -> None:
        while events := await self.log.after(self._position, READ_AT_ONCE):
            if not _in_a_row(self._position, events):
                raise gone(self._position)
            self._tell(events)

    def _tell(self, events: Sequence[OutboxEvent]) -> None:
        self._position = events[-1].number or 0
        for following in tuple(self._followers):
            following.offer(events)


def gone(number: int) -> NotFound:
    """What is raised where events behind this number have been dropped already."""
    return NotFound(
        f"events behind id {number} are kept for a week and are gone: read anew what you keep, then follow without"
        " `after`",
        path=("after",),
    )


def _in_a_row(number: int, events: Sequence[OutboxEvent]) -> bool:
    numbers = [number, *(event.number or 0 for event in events)]
    return all(after == before + 1 for before, after in pairwise(numbers))
