"""One connection pool per event loop, with timeouts, retries and errors in the ports' words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004

from sloengine.domain.errors import Unavailable

CONNECT_TIMEOUT_SECONDS = 2.0
ANSWER_TIMEOUT_SECONDS = 5.0
RETRIES = 2
MAX_CONNECTIONS = 64

AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError)
"""What redis-py raises when the server is not there, or not ready."""


@contextmanager
def redis_errors(doing: str) -> Generator[None]:
    """Turn "not there" into ``Unavailable``; ``doing`` leads the message."""
    try:
        yield
    except AWAY as error:
        raise Unavailable(f"{doing}: Redis does not answer ({type(error).__name__}); try again") from error


def redis_client(url: str) -> Redis:
    """A client that gives up after a few seconds rather than hanging, and retries what a blip broke."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=ANSWER_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=ANSWER_TIMEOUT_SECONDS,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), RETRIES),
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def open_redis(url: str) -> AsyncGenerator[Redis]:
    """The client, closed at the end. Connects on first use, so that a Redis that is away does not stop a start."""
    client = redis_client(url)
    try:
        yield client
    finally:
        await client.aclose()


async def ping(client: Redis) -> None:
    """Raise ``Unavailable`` unless the server answers."""
    with redis_errors("asking whether it is there"):
        await client.exists("sloengine")
