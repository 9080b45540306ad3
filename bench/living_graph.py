"""What keeping the graph right costs: condensing after a change, measures, daily pass-through, making ready.

Run as ``python -m bench.living_graph SERVICES EDGES [cycle]`` (5,000 and 50,000 unless given, 90 days hourly);
``--quick`` is smaller. No server: CPU seconds of this process, and peak memory. What stored graphs cost is in
``bench growth``.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np

from bench.graphs import giant_cycle, layered_graph
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.detect_divergences import DetectDivergences
from sloengine.application.topology.graph_measures import measure
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
)
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory import MemoryStores, open_memory
from sloengine.infrastructure.memory.small_stores import MemoryLocks, SetClock

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 90


async def measured(services: int, edges: int, *, is_cycle: bool = False) -> None:
    """Print all figures of one size."""
    clock = SetClock(NOW)
    stores = open_memory(clock)
    pairs = await _drawn(stores, (giant_cycle if is_cycle else layered_graph)(services, edges))
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

    graph = await stores.graph.snapshot()
    print(f"measures: {await _cpu(lambda: asyncio.to_thread(measure, graph)):.2f} s")
    panel = _panel(ids)
    resident = _peak_mb()
    await _pass_through(stores, panel, clock)
    print(f"peak memory {_peak_mb():,.0f} MB, {_peak_mb() - resident:,.0f} MB of it by pass-through")
    before = time.process_time()
    reliability = learn_reliability(graph, panel)
    kept = reliability.intrinsic.reach.entries
    print(f"made ready: {time.process_time() - before:.1f} s; {kept:,} pairs of what reaches what are kept")
    print(f"peak memory {_peak_mb():,.0f} MB, {_peak_mb() - resident:,.0f} MB of it by making ready")


async def _pass_through(stores: MemoryStores, panel: SliPanel, clock: SetClock) -> None:
    """All callers, in as many runs as it takes."""
    learn = LearnPassThrough(stores.graph, cast("SliHistory", _History(panel)), clock, DAYS)
    before = time.process_time()
    learnt, runs = await learn(), 1
    measured = learnt.measured
    while learnt.last is not None:
        learnt, runs = await learn(learnt.last), runs + 1
        measured += learnt.measured
    taken = time.process_time() - before
    print(f"pass-through: {taken:.1f} s, runs: {runs}; {measured:,} edges with evidence enough")


async def _drawn(stores: MemoryStores, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = sorted({(row["caller"], row["dependency"]) for row in document["dependencies"]})
    stated = {
        (row["caller"], row["dependency"]): Dependency(
            row["caller"],
            row["dependency"],
            DependencyMode(row["mode"]),
            DependencyCriticality(row["criticality"]),
            call_weight=row["callWeight"],
        )
        for row in document["dependencies"]
    }
    database = stores.database
    for row in document["services"]:
        database.services[row["serviceId"]] = Service(row["serviceId"])
    for place, (caller, dependency) in enumerate(pairs):
        database.merged[caller, dependency] = stated[caller, dependency]
        sources = (DiscoverySource.OTEL, DiscoverySource.MANUAL)[place % 3 == 0 : 1 + (place % 5 != 0)]
        for source in sources:
            seen = NOW - timedelta(days=20)
            claim = DependencyClaim(caller, dependency, source, 0.9, seen, NOW)
            database.claims[caller, dependency, source] = claim
    return pairs


def _panel(ids: list[str]) -> SliPanel:
    rng = np.random.default_rng(1)
    shape = (len(ids), DAYS * 24)
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
    given = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    size = (400, 4_000) if "--quick" in sys.argv else (given[0], given[1]) if given else (5_000, 50_000)
    asyncio.run(measured(*size, is_cycle="cycle" in sys.argv))
