"""What others feel while something heavy runs: requests of a bystander, and an event loop's lag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from bench.closed_loop import answer, post

_PAUSE_SECONDS = 0.01


@dataclass
class Waits:
    """Seconds that each request, or each turn of the loop, took."""

    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> list[float]:
        """As shown."""
        return [1000 * value for value in self.seconds]


@asynccontextmanager
async def loop_lag() -> AsyncGenerator[Waits]:
    """How much later than asked for a sleeping task of this event loop wakes up."""
    waits = Waits()

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_PAUSE_SECONDS)
            waits.seconds.append(time.perf_counter() - began - _PAUSE_SECONDS)

    async with _running(watch):
        yield waits


@asynccontextmanager
async def lookups(url: str, key: str, service_id: str) -> AsyncGenerator[Waits]:
    """One user who looks a service up over and over, through HTTP, key, limits, GraphQL and Neo4j."""
    waits = Waits()
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    query = "query($id: String!) { service(by: {serviceId: $id}) { serviceId team criticality external } }"
    request = post(
        host, "/graphql", orjson.dumps({"query": query, "variables": {"id": service_id}}), X_API_Key=key
    )
    reader, writer = await asyncio.open_connection(host, port)

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            writer.write(request)
            status, body = await answer(reader)
            waits.seconds.append(time.perf_counter() - began)
            if status != 200 or service_id.encode() not in body:
                raise RuntimeError(f"the lookup failed with {status}: {body[:300]!r}")
            await asyncio.sleep(_PAUSE_SECONDS)

    try:
        async with _running(watch):
            yield waits
    finally:
        writer.close()


@asynccontextmanager
async def _running(watch: Callable[[], Coroutine[None, None, None]]) -> AsyncGenerator[None]:
    task = asyncio.create_task(watch())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
