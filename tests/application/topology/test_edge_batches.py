from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import pytest

from sloengine.application.topology.edge_batches import EdgeBatches
from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DependencyClaim, DiscoverySource
from sloengine.domain.topology.rows import DependencyRow
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from tests.application.organisation import NOW

BATCHES = [[DependencyRow("a", f"b{number}")] for number in range(3)]


class AwayAfterTheFirst(MemoryServiceGraph):
    """Answers for one batch."""

    def __init__(self) -> None:
        super().__init__(MemoryDatabase())
        self.asked = 0

    async def claims_between(self, pairs: Sequence[tuple[str, str]]) -> Mapping[Any, Sequence[DependencyClaim]]:
        self.asked += 1
        if self.asked > 1:
            raise Unavailable("Neo4j does not answer")
        return await super().claims_between(pairs)

    async def listed_at(self, source: DiscoverySource, callers: Sequence[str]) -> Mapping[str, datetime]:
        return {}


async def test_a_store_that_goes_away_is_told_once_and_leaves_no_lost_error():
    lost: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: lost.append(context))
    batches = EdgeBatches(AwayAfterTheFirst(), DiscoverySource.MANUAL, NOW, NOW)

    async def written() -> None:
        async with aclosing(batches.ahead(BATCHES)) as prepared:
            async for _ in prepared:
                await asyncio.sleep(0.01)  # meanwhile the next one is read, and cannot be
                raise Unavailable("the write met the same")

    try:
        with pytest.raises(Unavailable, match="the write met the same"):
            await written()
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)

    assert lost == []


async def test_every_batch_is_made_ready_once_and_in_turn():
    graph = MemoryServiceGraph(MemoryDatabase())
    batches = EdgeBatches(graph, DiscoverySource.MANUAL, NOW, NOW)

    found = [batch.claims[0].dependency async for batch in batches.ahead(BATCHES)]

    assert found == ["b0", "b1", "b2"]
