"""Following events while the stream loses, repeats, swaps and goes away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from sloengine.application.events.feed import EventFeed, TooSlow
from sloengine.application.events.follow_events import FollowEvents, FollowEventsCommand
from sloengine.application.events.wanted import EventFilter
from sloengine.application.governance.relay_outbox import RelayOutbox
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.errors import DomainError, Invalid, NotFound
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory import open_memory
from sloengine.infrastructure.memory.small_stores import MemoryEventStream
from tests.patience import until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
IDLE_SECONDS = 0.02


class Told:
    """An organisation whose events are relayed when told to."""

    def __init__(self, most_waiting: int = 1_000, most_behind: int = 10_000) -> None:
        self.stores = open_memory()
        self.stream = MemoryEventStream()
        self.feed = EventFeed(
            self.stores.event_log,
            self.stream,
            idle_seconds=IDLE_SECONDS,
            away_seconds=IDLE_SECONDS,
            most_waiting=most_waiting,
            most_behind=most_behind,
        )
        self.follow = FollowEvents(self.feed, self.stores.graph)
        self.relay = RelayOutbox(self.stores.outbox, self.stream)
        self._ids = itertools.count(1)

    def happens(self, service_id: str | None = "a", kind: str = "SloChanged", **payload: str) -> None:
        event_id = str(next(self._ids))
        event = OutboxEvent(event_id, kind, service_id, NOW, {"auditEvent": event_id, **payload})
        self.stores.database.outbox[event_id] = event

    async def tell(self, *service_ids: str) -> None:
        for service_id in service_ids or ("a",):
            self.happens(service_id)
        await self.relay()

    async def followed(
        self, after: str | None = None, wanted: EventFilter | None = None
    ) -> AsyncGenerator[Sequence[OutboxEvent]]:
        return await self.follow(FollowEventsCommand(wanted or EventFilter(), after))


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    made = Told()
    yield made
    await made.feed.close()


class Reader:
    """Takes what comes, in a task of its own."""

    def __init__(self, batches: AsyncGenerator[Sequence[OutboxEvent]]) -> None:
        self.numbers: list[int | None] = []
        self.error: DomainError | None = None
        self._batches = batches
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async with aclosing(self._batches):
                async for batch in self._batches:
                    self.numbers.extend(event.number for event in batch)
        except DomainError as error:
            self.error = error

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


async def reading(told: Told, after: str | None = None, wanted: EventFilter | None = None) -> Reader:
    followers = told.feed.followers
    reader = Reader(await told.followed(after, wanted))
    await until(lambda: told.feed.followers > followers or reader.error)
    return reader


async def test_from_now_on_each_event_comes_once_and_in_order(told: Told):
    await told.tell("a", "b")
    reader = await reading(told)

    await told.tell("c")
    await told.tell("d", "e")
    await until(lambda: len(reader.numbers) >= 3)

    assert reader.numbers == [3, 4, 5]


async def test_one_goes_on_behind_the_last_id_seen(told: Told):
    await told.tell(*"abcdefg")
    reader = await reading(told, after="2")

    await told.tell("h")
    await until(lambda: len(reader.numbers) >= 6)

    assert reader.numbers == [3, 4, 5, 6, 7, 8]


async def test_what_the_stream_lost_repeated_and_swapped_is_read_from_the_log(told: Told):
    reader = await reading(told)
    for service_id in "abcdef":
        told.happens(service_id)
    events = list(await told.stores.outbox.pending(10))
    lost, first, second, third, fourth, _ = events

    await told.stream.publish([second])
    await until(lambda: len(reader.numbers) >= 6)
    await told.stream.publish([first, third, fourth])
    await told.tell("g")
    await until(lambda: len(reader.numbers) >= 7)

    assert lost.number == 1
    assert reader.numbers == [1, 2, 3, 4, 5, 6, 7]


async def test_without_the_stream_events_come_later_and_all_the_same(told: Told):
    told.stream.is_away = True
    reader = await reading(told)
    told.happens("a")
    await told.stores.outbox.pending(10)
    await until(lambda: reader.numbers == [1])

    told.stream.is_away = False
    told.stream.events.clear()
    await told.tell("b")
    await until(lambda: len(reader.numbers) >= 2)

    assert reader.numbers == [1, 2]


async def test_many_follow_with_one_reader_and_leave_nothing_behind(told: Told):
    readers = [await reading(told) for _ in range(20)]
    calls = 0
    after = told.stream.after

    async def counted(place: str, wait_seconds: float) -> tuple[str, Sequence[OutboxEvent]]:
        nonlocal calls
        calls += 1
        return await after(place, 60.0)

    told.stream.after = counted  # type: ignore[method-assign]
    await until(lambda: calls)

    await told.tell("a")
    await until(lambda: all(reader.numbers == [1] for reader in readers))
    await until(lambda: calls > 1)

    assert calls == 2
    before = asyncio.all_tasks()
    for reader in readers:
        await reader.stop()
    await until(lambda: told.feed.followers == 0)
    await until(lambda: len(asyncio.all_tasks()) <= len(before) - 21)


async def test_who_takes_less_than_comes_is_told_and_can_go_on(told: Told):
    slow = Told(most_waiting=3, most_behind=4)
    batches = await slow.followed("0")
    coming = asyncio.create_task(anext(batches))
    await until(lambda: slow.feed.followers)
    await slow.tell("a")
    first = await coming

    await slow.tell(*"bcdef")
    await until(lambda: slow.feed._position == 6)
    with pytest.raises(TooSlow, match="`after: 1`"):
        await anext(batches)

    assert slow.feed.followers == 0
    again = await slow.followed(str(first[-1].number))
    assert [event.number for event in await anext(again)] == [2, 3, 4, 5, 6]
    await again.aclose()
    await slow.feed.close()


async def test_a_burst_is_read_from_the_log_by_who_cannot_take_it_at_once(told: Told):
    few = Told(most_waiting=3)
    reader = await reading(few)

    await few.tell(*"abcdefghij")
    await few.tell("k")
    await until(lambda: len(reader.numbers) >= 11 or reader.error)

    assert reader.numbers == list(range(1, 12))
    await reader.stop()
    await few.feed.close()


@pytest.mark.parametrize(
    ("after", "error", "says"),
    [
        ("x", Invalid, "not the id of an event"),
        ("-1", Invalid, "not the id of an event"),
        ("٣", Invalid, "not the id of an event"),
        ("9" * 30, Invalid, "not the id of an event"),
        ("4", NotFound, "the newest has 3"),
        ("1", NotFound, "are gone"),
    ],
)
async def test_an_id_that_nobody_can_go_on_behind(told: Told, after: str, error: type[DomainError], says: str):
    await told.tell(*"abc")
    told.stores.event_log.forget(2)

    with pytest.raises(error, match=says) as raised:
        await told.followed(after)

    assert raised.value.path == ("after",)


async def test_what_is_kept_by_now_can_be_listed(told: Told):
    await told.tell(*"abcd")
    told.stores.event_log.forget(1)

    async def listed(after: str | None) -> list[int | None]:
        batches = await told.follow(FollowEventsCommand(after=after, until_now=True))
        return [event.number async for batch in batches for event in batch]

    assert await listed(None) == [2, 3, 4]
    assert await listed("3") == [4]
    assert await listed("4") == []


async def test_the_newest_id_is_never_too_old(told: Told):
    await told.tell(*"abc")
    told.stores.event_log.forget(3)
    reader = await reading(told, after="3")

    await told.tell("d")
    await until(lambda: reader.numbers)

    assert reader.numbers == [4]


async def test_who_follows_while_events_go_is_told(told: Told):
    reader = await reading(told)
    told.happens("a")
    told.happens("b")
    await told.stores.outbox.pending(10)
    told.stores.event_log.forget(1)

    await until(lambda: reader.error)

    assert isinstance(reader.error, NotFound)
    assert reader.numbers == []


async def test_a_stop_ends_all_who_follow(told: Told):
    reader = await reading(told)

    await told.feed.close()
    await until(lambda: reader.error)

    assert "stops" in str(reader.error)
    assert told.feed.followers == 0


async def test_events_are_chosen_by_kind_service_and_team(told: Told):
    await told.stores.graph.register([Service("a", team="shop"), Service("b", team="pay"), Service("c")], now=NOW)
    alert = CircularDependencyAlert("alert-1", AlertStatus.OPEN, ("a", "b", "a"), ("a", "b"), NOW, "cycle-1")
    await told.stores.graph.write_condensation(
        supernodes=[Supernode("cycle-1", ("a", "b"), ("a", "b", "a"))],
        edges=(),
        alerts=[alert],
        changed=True,
        now=NOW,
    )
    told.happens("a", "SloChanged")
    told.happens("b", "SloAtRisk")
    told.happens("c", "SloChanged")
    told.happens("a", "RecommendationRejected")
    await told.relay()

    async def found(**wanted: tuple[str, ...]) -> list[tuple[str, str | None]]:
        batches = await told.followed("0", EventFilter(**wanted))
        events = [(event.kind, event.service_id) for event in await anext(batches)]
        await batches.aclose()
        return events

    changed, cycle = ("GraphChanged", None), ("CircularDependencyDetected", None)
    of_a, of_b, of_c = ("SloChanged", "a"), ("SloAtRisk", "b"), ("SloChanged", "c")
    assert await found() == [changed, cycle, changed, of_a, of_b, of_c]
    assert await found(types=("SloAtRisk",)) == [of_b]
    assert await found(service_ids=("b",)) == [cycle, of_b]
    assert await found(teams=("shop",)) == [cycle, of_a]
    assert await found(service_ids=("a", "c"), teams=("shop",)) == [cycle, of_a]
    assert await found(types=("SloChanged",), service_ids=("a", "c")) == [of_a, of_c]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (EventFilter(types=("SloChanged", "Nothing")), ("filter", "types", "1")),
        (EventFilter(types=()), ("filter", "types")),
        (EventFilter(service_ids=("a", "nobody")), ("filter", "serviceIds", "1")),
        (EventFilter(service_ids=("a",) * 201), ("filter", "serviceIds")),
        (EventFilter(teams=("shop", "nobody")), ("filter", "teams", "1")),
    ],
)
async def test_a_filter_that_can_match_nothing_is_named(told: Told, wanted: EventFilter, path: tuple[str, ...]):
    await told.stores.graph.register([Service("a", team="shop")], now=NOW)

    with pytest.raises(DomainError) as raised:
        await told.followed(wanted=wanted)

    assert raised.value.path == path
