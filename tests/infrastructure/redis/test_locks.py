from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.redis.connection import open_redis
from sloengine.infrastructure.redis.locks import RedisLocks

KEY = "sloengine:lock:x"


@pytest.fixture
async def client(clean_redis: RedisAddress) -> AsyncIterator[Redis]:
    async with open_redis(clean_redis.url) as client:
        yield client


async def test_a_lock_has_one_holder_across_clients(client: Redis, clean_redis: RedisAddress):
    async with open_redis(clean_redis.url) as second:
        async with RedisLocks(client).hold("x", ttl_seconds=5) as first_got:
            async with RedisLocks(second).hold("x", ttl_seconds=5) as second_got:
                assert (first_got, second_got) == (True, False)
            async with RedisLocks(second).hold("y", ttl_seconds=5) as other_got:
                assert other_got
        async with RedisLocks(second).hold("x", ttl_seconds=5) as got_after:
            assert got_after


async def test_a_lock_is_kept_while_its_holder_lives(client: Redis):
    async with RedisLocks(client).hold("x", ttl_seconds=3):
        left = await client.pttl(KEY)
        while (now := await client.pttl(KEY)) <= left:  # until it has been prolonged
            assert now > 0, "the lock has run out"
            left = now
            await asyncio.sleep(0.02)

        async with RedisLocks(client).hold("x", ttl_seconds=3) as got:
            assert not got


async def test_the_lock_of_a_dead_holder_ends_by_itself(client: Redis):
    await client.set(KEY, "a token of nobody alive", px=50)
    while await client.exists(KEY):  # noqa: ASYNC110 (the server tells nobody)
        await asyncio.sleep(0.02)

    async with RedisLocks(client).hold("x", ttl_seconds=5) as got:
        assert got


async def test_a_holder_who_lost_the_lock_does_not_release_the_next_one(client: Redis):
    async with RedisLocks(client).hold("x", ttl_seconds=30):
        await client.set(KEY, "somebody else")

    assert await client.get(KEY) == b"somebody else"


async def test_an_error_inside_gives_the_lock_back(client: Redis):
    with pytest.raises(ZeroDivisionError):
        async with RedisLocks(client).hold("x", ttl_seconds=30):
            _ = 1 / 0

    assert await client.get(KEY) is None


async def test_without_redis_a_lock_is_unavailable(dead_port: int):
    async with open_redis(f"redis://127.0.0.1:{dead_port}/0") as client:
        with pytest.raises(Unavailable):
            async with RedisLocks(client).hold("x", ttl_seconds=5):
                pass
