"""What keeping the graph right costs: condensing after a change, and learning pass-through in portions.

Run as ``python -m bench.living_graph`` (5,000 services, 50,000 edges, 30 days hourly); ``--quick`` is smaller.
No server: CPU seconds of this process, and peak memory. What reading from a server costs is in ``bench ingest``.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np

from bench.graphs import layered_graph
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.detect_divergences import DetectDivergences
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory import MemoryStores, open_memory
from sloengine.infrastructure.memory.small_stores import MemoryLocks, SetClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def measure(services: int, edges: int) -> None:
    """Print all figures of one size."""
    clock = SetClock(NOW)
    stores = open_memory(clock)
    pairs = await _drawn(stores, services, edges)
    ids = sorted(stores.database.services)
    print(f"{services:,} services, {len(pairs):,} edges")

    before = time.process_time()
    condensed = condense(ids, pairs)
    scratch = time.process_time() - before
    stores.database.is_reshaped = True
    condensing = Condensing(stores.graph, clock)
    first = await _cpu(lambda: condensing(changed=True))
    again = await _cpu(lambda: condensing(changed=True))
    cycles = len(condensed.supernodes)
    print(f"condensing from scratch: {scratch:.3f} s ({cycles} cycles); as a use case {first:.3f} s")
    print(f"after a change of attributes only: {again * 1e3:.3f} ms, {first / max(again, 1e-9):,.0f} times less")

    divergences = DetectDivergences(stores.divergences, MemoryLocks(), clock)
    print(f"divergences of all callers: {await _cpu(divergences):.2f} s")
    print(f"divergences of one caller: {await _cpu(lambda: divergences([pairs[0][0]])) * 1e3:.1f} ms")

    learn = LearnPassThrough(stores.graph, cast("SliHistory", _History(_panel(ids))), clock)
    after, portions, spent, measured = None, 0, 0.0, 0
    resident = _peak_mb()
    while portions == 0 or after is not None:
        started = time.process_time()
        learnt = await learn(after)
        spent += time.process_time() - started
        after, portions, measured = learnt.last, portions + 1, measured + learnt.measured
    print(f"pass-through: {spent:.1f} s CPU in {portions} portions, {measured:,} edges with evidence enough")
    print(f"peak memory {_peak_mb():,.0f} MB, {_peak_mb() - resident:,.0f} MB of it by learning")


async def _drawn(stores: MemoryStores, services: int, edges: int) -> list[tuple[str, str]]:
    document = layered_graph(services, edges)
    pairs = sorted({(row["caller"], row["dependency"]) for row in document["dependencies"]})
    database = stores.database
    for row in document["services"]:
        database.services[row["serviceId"]] = Service(row["serviceId"])
    for place, (caller, dependency) in enumerate(pairs):
        database.merged[caller, dependency] = Dependency(caller, dependency)
        sources = (DiscoverySource.OTEL, DiscoverySource.MANUAL)[place % 3 == 0 : 1 + (place % 5 != 0)]
        for source in sources:
            seen = NOW - timedelta(days=20)
            claim = DependencyClaim(caller, dependency, source, 0.9, seen, NOW)
            database.claims[caller, dependency, source] = claim
    return pairs


def _panel(ids: list[str]) -> SliPanel:
    rng = np.random.default_rng(1)
    shape = (len(ids), 30 * 24)
    total = rng.poisson(2_000, shape).astype(float)
    ratio = np.where(rng.random(shape) < 0.01, 0.05, 1e-4)
    return SliPanel(tuple(ids), NOW - shape[1] * HOUR, HOUR, total - rng.binomial(total.astype(int), ratio), total)


class _History:
    """Hands out what it has: reading costs nothing."""

    def __init__(self, panel: SliPanel) -> None:
        self._panel = panel

    async def read(self, service_ids: Sequence[str], _from_at: datetime, _to_at: datetime) -> SliPanel:
        return self._panel.select(list(service_ids))

    async def read_edges(self, *_: object) -> None:
        return None

    async def watermark(self) -> Watermark:
        return Watermark(NOW, NOW)


async def _cpu(work: Callable[[], Awaitable[object]]) -> float:
    started = time.process_time()
    await work()
    return time.process_time() - started


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    asyncio.run(measure(*((400, 4_000) if "--quick" in sys.argv else (5_000, 50_000))))
