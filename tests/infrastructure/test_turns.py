from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from itertools import pairwise

import pytest

from sloengine.infrastructure.turns import TURN_SECONDS, in_turns


async def _arriving(items: Iterable[int]) -> AsyncIterator[int]:
    for item in items:
        yield item


@pytest.mark.parametrize("handed_out", [iter, _arriving])
async def test_others_have_their_turn_between_items_that_take_long(
    handed_out: Callable[[Iterable[int]], Iterable[int] | AsyncIterable[int]],
):
    turns = 0

    async def beside() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(beside())
    seen: list[tuple[int, int]] = []
    async for item in in_turns(handed_out(range(5))):
        seen.append((item, turns))
        until = time.perf_counter() + TURN_SECONDS
        while time.perf_counter() < until:
            pass
    other.cancel()

    assert [item for item, _ in seen] == [0, 1, 2, 3, 4]
    before = [count for _, count in seen]
    assert all(later > earlier for earlier, later in pairwise(before))


async def test_all_items_are_handed_out_in_their_order():
    assert [item async for item in in_turns(range(10_000))] == list(range(10_000))
