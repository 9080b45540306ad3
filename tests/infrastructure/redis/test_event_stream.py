from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from redis.asyncio import Redis

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.redis.connection import open_redis
from sloengine.infrastructure.redis.event_stream import STREAM, RedisEventStream
from tests.infrastructure.redis.samples import NOW


@pytest.fixture
async def client(clean_redis: RedisAddress) -> AsyncIterator[Redis]:
    async with open_redis(clean_redis.url) as client:
        yield client


def event(event_id: str) -> OutboxEvent:
    return OutboxEvent(event_id, "SloChanged", "checkout", NOW, {"auditEvent": event_id}, int(event_id))


async def until_later_than(place: str, client: Redis) -> None:
    """Ids are milliseconds: in the same one a new stream would begin with the old one's id."""
    while True:
        seconds, microseconds = await client.time()
        if seconds * 1000 + microseconds // 1000 > int(place.partition("-")[0]):
            return


async def test_events_are_appended_in_order_and_each_once(client: Redis):
    stream = RedisEventStream(client)

    await stream.publish([event("1"), event("2")])
    await stream.publish([event("2"), event("3"), event("1")])

    read = [orjson.loads(fields[b"event"]) for _, fields in await client.xrange(STREAM)]
    assert [one["id"] for one in read] == ["1", "2", "3"]
    assert read[0] == {
        "id": "1",
        "number": 1,
        "kind": "SloChanged",
        "serviceId": "checkout",
        "at": "2026-03-02T12:00:00+00:00",
        "payload": {"auditEvent": "1"},
    }


async def test_nothing_to_publish_asks_nothing(dead_port: int):
    async with open_redis(f"redis://127.0.0.1:{dead_port}/0") as client:
        await RedisEventStream(client).publish([])


async def test_without_redis_publishing_is_unavailable(dead_port: int):
    async with open_redis(f"redis://127.0.0.1:{dead_port}/0") as client:
        with pytest.raises(Unavailable):
            await RedisEventStream(client).publish([event("1")])


async def test_what_comes_is_read_once_behind_the_place(client: Redis):
    stream = RedisEventStream(client)
    await stream.publish([event("1")])
    place = await stream.end()

    waiting = asyncio.create_task(stream.after(place, 3.0))
    await stream.publish([event("2"), event("3")])
    behind, came = await waiting
    rest = await stream.after(behind, 3.0) if len(came) == 1 else (behind, ())
    silent = await stream.after(rest[0], 0.01)

    told = [*came, *rest[1]]
    assert told == [event("2"), event("3")]
    assert [one.number for one in told] == [2, 3]
    assert silent == (rest[0], ())


async def test_a_stream_that_was_lost_is_read_on(client: Redis):
    stream = RedisEventStream(client)
    await stream.publish([event("1")])
    place = await stream.end()
    await client.flushall()
    await until_later_than(place, client)

    empty = await stream.end()
    await stream.publish([event("2")])
    _, came = await stream.after(place, 1.0)

    assert empty == "0-0"
    assert [one.number for one in came] == [2]


async def test_without_redis_reading_is_unavailable(dead_port: int):
    async with open_redis(f"redis://127.0.0.1:{dead_port}/0") as client:
        with pytest.raises(Unavailable):
            await RedisEventStream(client).end()
        with pytest.raises(Unavailable):
            await RedisEventStream(client).after("0-0", 0.1)
