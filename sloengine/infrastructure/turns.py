"""Long work on the event loop that leaves other tasks their turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable

TURN_SECONDS = 0.001
"""A lookup takes some ten turns of the loop, so that beside one such work it waits ten times this long."""


async def in_turns[Item](items: Iterable[Item] | AsyncIterable[Item]) -> AsyncGenerator[Item]:
    """The items; other tasks have their turn whenever handing them out, and what the caller does with them, has
    gone on for ``TURN_SECONDS``. Counted in time, because items differ a hundredfold in what they cost.
    """
    until = time.perf_counter() + TURN_SECONDS
    async for item in items if isinstance(items, AsyncIterable) else _plain(items):
        yield item
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + TURN_SECONDS


async def _plain[Item](items: Iterable[Item]) -> AsyncGenerator[Item]:
    for item in items:
        yield item
