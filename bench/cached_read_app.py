"""The API as it ships, on a real Redis that holds the answers; the graph and the store refuse to be asked."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI

from sloengine.api.app import create_app as create_api
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.recommendation.read_recommendations import ReadRecommendations
from sloengine.application.telemetry.freshness import Freshness
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.infrastructure.clock import SystemClock
from sloengine.infrastructure.redis.connection import open_redis
from sloengine.infrastructure.redis.recommendation_cache import RedisRecommendationCache


class NotToBeAsked:
    """In the place of Neo4j: a cached answer must not need it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: the database was asked for what the cache has")


class FreshHistory:
    """Says that telemetry was aggregated just now."""

    async def watermark(self) -> Watermark:
        """Now."""
        now = datetime.now(UTC)
        return Watermark(now, now)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[UseCases]:
    """Only what reading a cached recommendation takes."""
    if settings.redis_url is None:
        raise ValueError("SLOENGINE_REDIS_URL is not set")
    clock = SystemClock()
    nobody = cast("Any", NotToBeAsked())
    async with open_redis(settings.redis_url.get_secret_value()) as redis:
        cache = RedisRecommendationCache(redis, engine_version=os.environ["BENCH_ENGINE_VERSION"])
        read = ReadRecommendations(nobody, nobody, cache, Freshness(cast("Any", FreshHistory()), clock), clock)
        yield cast("UseCases", SimpleNamespace(read_recommendations=read, read_graph=nobody, read_ledger=nobody))


def create_app() -> FastAPI:
    """Factory for uvicorn."""
    return create_api(opened=opened)
