from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import structlog
from redis.asyncio import Redis

from sloengine.domain.recommendation.model import SliType
from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.redis.connection import open_redis
from sloengine.infrastructure.redis.recommendation_cache import (
    LIFETIME_SECONDS,
    PAUSE_SECONDS,
    RedisRecommendationCache,
)
from tests.infrastructure.redis.samples import recommendation, unavailable

AVAILABILITY, LATENCY = SliType.AVAILABILITY, SliType.LATENCY


@pytest.fixture
async def client(clean_redis: RedisAddress) -> AsyncIterator[Redis]:
    async with open_redis(clean_redis.url) as client:
        yield client


@pytest.fixture
def cache(client: Redis) -> RedisRecommendationCache:
    return RedisRecommendationCache(client, engine_version="1")


async def test_what_was_put_comes_back_equal(cache: RedisRecommendationCache):
    stored = [recommendation("a"), unavailable("b"), recommendation("a", LATENCY)]

    await cache.put(stored)

    assert await cache.get(["a", "b", "c"], AVAILABILITY) == {"a": stored[0], "b": stored[1]}
    assert await cache.get(["a"], LATENCY) == {"a": stored[2]}


async def test_many_are_read_in_one_round_trip(cache: RedisRecommendationCache, client: Redis):
    await cache.put([recommendation(f"s{i}") for i in range(50)])
    before = (await client.info("commandstats"))["cmdstat_mget"]["calls"] if await client.mget(["x"]) else 0

    assert len(await cache.get([f"s{i}" for i in range(50)], AVAILABILITY)) == 50

    assert (await client.info("commandstats"))["cmdstat_mget"]["calls"] == before + 1


async def test_entries_end_after_a_day(cache: RedisRecommendationCache, client: Redis):
    await cache.put([recommendation("a")])

    keys = [key async for key in client.scan_iter("sloengine:recommendation:*:a")]

    assert [LIFETIME_SECONDS - 5 <= await client.ttl(key) <= LIFETIME_SECONDS for key in keys] == [True]


async def test_dropping_some_leaves_the_others(cache: RedisRecommendationCache):
    await cache.put([recommendation("a"), recommendation("a", LATENCY), recommendation("b")])

    await cache.invalidate(["a"])

    assert list(await cache.get(["a", "b"], AVAILABILITY)) == ["b"]
    assert await cache.get(["a"], LATENCY) == {}


async def test_dropping_all_hides_what_every_process_has_put(cache: RedisRecommendationCache, client: Redis):
    other = RedisRecommendationCache(client, engine_version="1")
    await other.put([recommendation("a")])

    await cache.invalidate(None)

    assert await other.get(["a"], AVAILABILITY) == {}
    await other.put([recommendation("a")])
    assert list(await cache.get(["a"], AVAILABILITY)) == ["a"]


async def test_another_version_of_the_engine_sees_nothing_of_it(cache: RedisRecommendationCache, client: Redis):
    await cache.put([recommendation("a")])

    assert await RedisRecommendationCache(client, engine_version="2").get(["a"], AVAILABILITY) == {}


async def test_a_redis_that_is_away_is_an_empty_cache_and_is_said_once(dead_port: int):
    now = [0.0]
    async with open_redis(f"redis://127.0.0.1:{dead_port}/0") as client:
        cache = RedisRecommendationCache(client, engine_version="1", monotonic=lambda: now[0])
        with structlog.testing.capture_logs() as logs:
            assert await cache.get(["a"], AVAILABILITY) == {}
            await cache.put([recommendation("a")])
            await cache.invalidate(["a"])
            now[0] += PAUSE_SECONDS + 1
            assert await cache.get(["a"], AVAILABILITY) == {}

    assert [line["log_level"] for line in logs if "recommendation cache" in line["event"]] == ["warning"]
