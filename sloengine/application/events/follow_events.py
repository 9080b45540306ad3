"""Follow what happens, from now on or from where one was. Every role may read all of it, as it may the things."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import batched

from sloengine.application.events.feed import (
    READ_AT_ONCE,
    TAKEN_AT_ONCE,
    EventFeed,
    Following,
    Overrun,
    TooSlow,
    gone,
)
from sloengine.application.events.wanted import EventFilter, Wanted
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import Invalid, NotFound

_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class FollowEventsCommand:
    """``after``: the id of the last event seen, None: from now on. ``until_now``: what has been told is all, and
    None starts with the oldest that is kept.
    """

    wanted: EventFilter = field(default_factory=EventFilter)
    after: str | None = None
    until_now: bool = False


@dataclass(frozen=True, slots=True)
class FollowEvents:
    """Batches of numbered events, in order, each event once, as long as the caller takes them."""

    feed: EventFeed
    graph: ServiceGraph

    async def __call__(self, command: FollowEventsCommand) -> AsyncGenerator[Sequence[OutboxEvent]]:
        """Raises ``Invalid`` and ``NotFound`` for what cannot be followed; the batches raise ``NotFound`` when
        what comes next is gone, ``TooSlow`` when too many are waiting, ``Unavailable``.
        """
        wanted = await Wanted.of(command.wanted, self.graph)
        after = None if command.after is None else await self._known(command.after)
        if command.until_now:
            return self._told(wanted, await self._oldest() if after is None else after)
        return self._batches(wanted, after)

    async def _oldest(self) -> int:
        oldest = await self.feed.log.after(0, 1)
        return (oldest[0].number or 1) - 1 if oldest else await self.feed.log.newest()

    async def _told(self, wanted: Wanted, seen: int) -> AsyncGenerator[Sequence[OutboxEvent]]:
        newest = await self.feed.log.newest()
        while seen < newest and (events := await self._behind(seen, READ_AT_ONCE)):
            seen = events[-1].number or newest
            if matching := await wanted.among(events):
                yield matching

    async def _known(self, after: str) -> int:
        if not (after.isascii() and after.isdigit() and len(after) <= _LONGEST_NUMBER):
            raise Invalid(
                f"{after!r} is not the id of an event: give the `id` of the last one seen", path=("after",)
            )
        number, newest = int(after), await self.feed.log.newest()
        if number > newest:
            raise NotFound(
                f"no event has the id {after} yet, the newest has {newest}: read anew what you keep, then follow"
                " without `after`",
                path=("after",),
            )
        if number < newest:
            await self._behind(number, 1)
        return number

    async def _batches(self, wanted: Wanted, after: int | None) -> AsyncGenerator[Sequence[OutboxEvent]]:
        seen = after
        while True:
            # What is long past is read as fast as it is taken; only then is there anything to wait for.
            while seen is not None and (events := await self._behind(seen, READ_AT_ONCE)):
                seen = events[-1].number
                for some in batched(events, TAKEN_AT_ONCE):
                    if matching := await wanted.among(some):
                        yield matching
            following = await self.feed.join(wanted.may_match)
            try:
                if seen is None:
                    seen = following.position
                async with aclosing(self._missed_and_coming(following, seen)) as coming:
                    async for events in coming:
                        seen = events[-1].number
                        if matching := await wanted.among(events):
                            yield matching
            except Overrun:
                await self._require_near(seen or 0)
            finally:
                self.feed.leave(following)

    async def _require_near(self, seen: int) -> None:
        behind = await self.feed.log.newest() - seen
        if behind > self.feed.most_behind:
            raise TooSlow(
                f"{behind} events have come that were not taken, more than {self.feed.most_behind}: follow again"
                f" with `after: {seen}`, and take them faster or ask for fewer kinds, services or teams"
            )

    async def _missed_and_coming(self, following: Following, seen: int) -> AsyncGenerator[Sequence[OutboxEvent]]:
        while seen < following.position:
            events = await self._behind(seen, READ_AT_ONCE)
            if not events:
                raise gone(seen)
            seen = events[-1].number or seen
            yield events
        while True:
            events = [event for event in await following.take() if (event.number or 0) > seen]
            if events:
                yield events

    async def _behind(self, number: int, limit: int) -> Sequence[OutboxEvent]:
        """Raises ``NotFound`` where the next one is gone."""
        events = await self.feed.log.after(number, limit)
        if events and events[0].number != number + 1:
            raise gone(number)
        return events
