"""``python -m bench.drift_scale [--services 1250 5000]``: does the pass ask no more for more services?

The pass on stores in memory, so that what is counted is the engine's own processor time and how often it asks the
stores: passes of a new hour, and one without. 250 services are drawn and learn from three weeks; the others
are copies of these, state included, whose baselines are due in the same hours. One service in a hundred loses a
nine two hours before the end. The same pass on Neo4j, by the clock: ``make bench ARGS=drift``.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from itertools import count
from typing import Any

import numpy as np

from sloengine.application.drift.detect_drift import DetectDrift
from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.drift.baseline import HOURS_A_WEEK
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors
from sloengine.infrastructure.memory import open_memory
from sloengine.infrastructure.memory.small_stores import MemoryLocks

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS, NEW_HOURS = 21, 3
DRAWN = 250
BOUNDS = np.array([0.1, 0.25, 0.5, np.inf])


class Counted:
    """Passes calls on and counts them by name."""

    def __init__(self, inner: object, counts: Counter[str]) -> None:
        self._inner, self._counts = inner, counts

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not iscoroutinefunction(method):
            return method

        async def counted(*args: Any, **options: Any) -> Any:
            self._counts[name] += 1
            return await method(*args, **options)

        return counted


async def measure(services: int) -> None:
    """Print one line a pass."""
    stores, counts = open_memory(), Counter[str]()
    drawn = tuple(f"service-{number:03}" for number in range(DRAWN))
    copies = -(-services // DRAWN)
    ids = tuple(_twin(key, copy) for copy in range(copies) for key in drawn)
    await stores.graph.register([Service(key) for key in drawn], now=START)
    hours = DAYS * 24
    random = np.random.default_rng(services)
    wave = 1 + 0.7 * np.sin(2 * np.pi * np.arange(hours) / 24)
    total = random.poisson(random.lognormal(9, 1, (DRAWN, 1)) * wave).astype(np.float64)
    ratio = random.lognormal(-7, 0.5, (DRAWN, 1)) * random.gamma(25.0, 1 / 25.0, total.shape)
    ratio[::100, -2:] *= 10
    bad = random.binomial(total.astype(int), np.minimum(ratio, 0.5)).astype(np.float64)
    p95 = random.lognormal(5, 0.5, (DRAWN, 1)) * np.exp(0.1 * random.standard_normal(total.shape)) * wave**0.2
    total, bad, p95 = (np.tile(values, (copies, 1)) for values in (total, bad, p95))
    await stores.sli_history.write(SliPanel(ids, START, HOUR, total - bad, total))
    days = np.tile(np.array([5e4, 4e4, 1e3, 0.0]), (DAYS, 1))
    await stores.sli_history.write_latency([LatencyHistory(key, START, BOUNDS, days) for key in ids])
    await stores.sli_history.write_latency_hours(LatencyHours(ids, START, p95 / 2, p95, p95 * 1.7, total))
    history, drift, graph = (Counted(one, counts) for one in (stores.sli_history, stores.drift, stores.graph))
    detect = DetectDrift(graph, history, drift, RiverChangeDetectors(), MemoryLocks())
    ends = [hours - NEW_HOURS, *range(hours - NEW_HOURS + 1, hours + 1), hours]
    for place, end in enumerate(ends):
        if place == 1:
            for copy in range(1, copies):
                await stores.graph.register([Service(_twin(key, copy)) for key in drawn], now=START)
                known = list(stores.database.watches.items())[: 3 * DRAWN]
                stores.database.watches.update({(_twin(key, copy), kind): watch for (key, kind), watch in known})
        await stores.sli_history.set_watermark(Watermark(START + end * HOUR, START + end * HOUR))
        counts.clear()
        began = time.process_time()
        report = await detect()
        spent = time.process_time() - began
        name = "to learn" if place == 0 else "nothing new" if place == len(ends) - 1 else "a new hour"
        asked = ", ".join(f"{key} {asked_for}" for key, asked_for in sorted(counts.items()))
        print(
            f"{len(ids):6,} services  {name:12}{report.series:8,} series {spent:7.1f} CPU s "
            f"{len(report.events):4} events; {counts.total()} calls: {asked}",
            flush=True,
        )


def _twin(service_id: str, copy: int) -> str:
    """An id whose baseline is due in the same hour of the week; the service itself for copy 0."""
    if copy == 0:
        return service_id
    wanted = zlib.crc32(service_id.encode()) % HOURS_A_WEEK
    return next(
        name
        for tried in count()
        if zlib.crc32((name := f"{service_id}-{copy}-{tried}").encode()) % HOURS_A_WEEK == wanted
    )


def main(arguments: list[str] | None = None) -> int:
    """Every size."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift_scale", description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[1_250, 5_000])
    for services in parser.parse_args(arguments).services:
        asyncio.run(measure(services))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
