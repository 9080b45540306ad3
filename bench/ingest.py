"""Ingest until merged and condensed, against the raw writes of the same graph; and what others feel meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.bystander import lookups, loop_lag
from bench.graphs import giant_cycle, layered_graph
from bench.merging import ACTOR, merged_by_worker, merged_here
from bench.raw_writes import write_raw
from bench.rows import Goal, Report, Row
from bench.stage import KEY, Stage, stage
from sloengine.application.topology.register_services import RegisterServicesCommand
from sloengine.bootstrap.collector import settle_collector
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases

SECTION = "ingest"
WATCHED = "watched-service"
HELD_UP_MS = 50.0
_IDLE_SECONDS = 3.0


@dataclass(frozen=True)
class Size:
    """Services, edges, goal in seconds, how often measured."""

    services: int
    edges: int
    seconds: float
    times: int


SIZES = (Size(1_000, 10_000, 5.0, 3), Size(5_000, 50_000, 15.0, 3))
QUICK_SIZES = (Size(200, 2_000, 5.0, 1),)


def run(report: Report, *, quick: bool) -> None:
    """All sizes, then the graph that is one cycle."""
    with stage() as on:
        with on.workers():
            _warm_up(on)
            for size in QUICK_SIZES if quick else SIZES:
                _compare(report, on, size)
            largest = (QUICK_SIZES if quick else SIZES)[-1]
            _giant_cycle(report, on, largest)
            _meanwhile(report, on, largest)
        _lag_in_process(report, on, largest)


def _warm_up(on: Stage) -> None:
    """The first writes of a JVM and of a worker are slow, for whomever they are: nobody is measured on them."""
    for _ in range(2):
        on.empty()
        with on.driver() as driver:
            write_raw(driver, layered_graph(400, 4_000))
        on.empty()
        _with_use_cases(on, lambda use_cases: merged_by_worker(use_cases, layered_graph(400, 4_000)))
        on.wait_idle()


def _compare(report: Report, on: Stage, size: Size) -> None:
    """Raw writes and ingestion in turn, each into the empty database."""
    document = layered_graph(size.services, size.edges)
    raw, worked = [], []
    for _ in range(size.times):
        on.empty()
        with on.driver() as driver:
            raw.append(write_raw(driver, document))
        on.empty()
        worked.append(_with_use_cases(on, lambda use_cases: merged_by_worker(use_cases, document))[0])
        on.wait_idle()  # measures and divergences of the new graph follow: nobody is measured beside them
    report.add(
        Row(
            SECTION,
            f"{size.services:,} services, {size.edges:,} edges, by the worker",
            worked,
            "s",
            Goal(size.seconds, ratio=2.0),
            ("raw UNWIND writes", raw),
        )
    )
    again = [_with_use_cases(on, lambda use_cases: merged_by_worker(use_cases, document))[0]]
    report.add(Row(SECTION, f"{size.services:,} services, {size.edges:,} edges, the same again", again, "s"))
    on.wait_idle()


def _giant_cycle(report: Report, on: Stage, size: Size) -> None:
    document = giant_cycle(size.services, size.edges)
    on.empty()
    seconds, ingestion = _with_use_cases(on, lambda use_cases: merged_by_worker(use_cases, document))
    if ingestion.cycles != 1:
        raise RuntimeError(f"one cycle through everything was condensed to {ingestion.cycles}")
    on.wait_idle()
    what = f"{size.services:,} services, {size.edges:,} edges, one giant cycle"
    report.add(Row(SECTION, what, [seconds], "s", Goal(size.seconds), note="1 supernode, 1 alert"))


def _meanwhile(report: Report, on: Stage, size: Size) -> None:
    """Lookups through the API while the worker merges, and for comparison while nothing happens."""
    document = layered_graph(size.services, size.edges)
    on.empty()

    async def watched(use_cases: UseCases) -> tuple[Sequence[float], Sequence[float]]:
        await use_cases.register_services(RegisterServicesCommand([{"serviceId": WATCHED}]), actor=ACTOR)
        async with lookups(url, KEY, WATCHED):
            await asyncio.sleep(_IDLE_SECONDS)  # nobody is measured on first requests
        async with lookups(url, KEY, WATCHED) as idle:
            await asyncio.sleep(_IDLE_SECONDS)
        async with lookups(url, KEY, WATCHED) as busy:
            await merged_by_worker(use_cases, document)
        return idle.milliseconds, busy.milliseconds

    with on.api() as url:
        idle, busy = _with_use_cases(on, watched)
    report.add(
        Row(
            SECTION,
            f"lookups through the API while {size.edges:,} edges are merged",
            busy,
            "ms",
            Goal(HELD_UP_MS, quantile=1.0),
            ("while nothing happens", idle),
            note=f"{_longest(busy)}; while nothing happens: {_longest(idle)}",
        )
    )


def _lag_in_process(report: Report, on: Stage, size: Size) -> None:
    """Merged in this process: the time, and how long its event loop keeps other tasks waiting."""
    document = layered_graph(size.services, size.edges)
    on.empty()

    async def merged(use_cases: UseCases) -> tuple[float, Sequence[float]]:
        settle_collector()  # as a worker does
        async with loop_lag() as lag:
            seconds, _ = await merged_here(use_cases, document)
        return seconds, lag.milliseconds

    seconds, lag = _with_use_cases(on, merged)
    report.add(Row(SECTION, f"{size.services:,} services, {size.edges:,} edges, in process", [seconds], "s"))
    report.add(
        Row(
            SECTION,
            "lag of the event loop that merges them",
            lag,
            "ms",
            Goal(HELD_UP_MS, quantile=1.0),
            note=_longest(lag),
        )
    )


def _with_use_cases[Answer](on: Stage, work: Callable[[UseCases], Any]) -> Any:
    async def opened() -> Any:
        async with open_use_cases(on.settings) as use_cases:
            return await work(use_cases)

    return asyncio.run(opened())


def _longest(milliseconds: Sequence[float]) -> str:
    return f"longest {max(milliseconds):.0f} ms, p99 {np.quantile(milliseconds, 0.99):.0f} ms"
