"""What others wait for while a process reads a new graph and makes impact ready beside its questions.

    python -m bench.new_graph 5000 50000

In one process, with the collector and the threads set as the API sets them. A wait counts as far as the process
was computing meanwhile: what other processes of the machine take away is left out.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import uvloop

from bench.graphs import layered_graph
from bench.impact import prepare_impact
from bench.stage import Stage, stage
from sloengine.bootstrap.collector import settle_collector
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.threads import settle_threads

ROUNDS = 3
TURNS = 10
"""Waits of a lookup for Neo4j and Redis, about."""
_PAUSE_SECONDS = 0.001


def main(services: int, edges: int) -> None:
    """Measure and print."""
    with stage() as on:
        uvloop.run(_measured(on, services, edges))


async def _measured(on: Stage, services: int, edges: int) -> None:
    await prepare_impact(on, layered_graph(services, edges))
    async with open_use_cases(on.settings) as use_cases:
        settle_collector()
        settle_threads()
        bases = use_cases.keep_impact_ready.bases
        graph = bases.snapshots.graph
        for number in range(ROUNDS):
            async with _watched(f"{number + 1}: reading the graph"):
                await graph.snapshot()
            async with _watched(f"{number + 1}: making impact ready"):
                await bases.follow_graph()
            await graph.move_version(changed=True, now=datetime.now(UTC))


@asynccontextmanager
async def _watched(what: str) -> AsyncGenerator[None]:
    one: list[float] = []
    ten: list[float] = []
    watches = [asyncio.create_task(_wait(one, 1)), asyncio.create_task(_wait(ten, TURNS))]
    await asyncio.sleep(0.05)
    began = time.process_time()
    yield
    spent = time.process_time() - began
    for watch in watches:
        watch.cancel()
    print(
        f"{what}: {spent:.2f} s CPU; longest extra wait of one turn {1_000 * max(one):.0f} ms,"
        f" of {TURNS} turns {1_000 * max(ten):.0f} ms",
        flush=True,
    )


async def _wait(late: list[float], turns: int) -> None:
    """Note again and again how much longer than asked for so many waits in a row took."""
    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(turns):
            await asyncio.sleep(_PAUSE_SECONDS)
        extra = time.perf_counter() - wall - turns * _PAUSE_SECONDS
        late.append(min(extra, time.process_time() - cpu))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
