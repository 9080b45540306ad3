"""How every step on the graph grows from 2,500 to 10,000 services, and what memory it takes.

Ingestion, condensing and the analysis after it run in a worker as it ships; every other step in one process
(``bench.growth_steps``) on the same stored graph. Growth is that of processor time, which others on the machine
hardly change, held against n log n. At the largest size the API answers, too, and peaks of all processes are told.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil

from bench.cycle_answers import ask_all
from bench.graphs import giant_cycle, layered_graph
from bench.impact import GOAL_MS, ask_impact, hubs_of
from bench.merging import merged_by_worker, portions
from bench.rows import Goal, Report, Row
from bench.stage import Stage, stage
from sloengine.bootstrap.connections import open_use_cases
from sloengine.infrastructure.neo4j import open_neo4j

SECTION = "growth"
SIZES = (2_500, 5_000, 10_000)
QUICK_SIZES = (200, 400)
EDGES_EACH = 10
HEAP_MB = 2_048
_NOISE = 1.15
"""A ratio of two single measurements on a shared machine wavers by so much."""
_SHORT = 0.02
"""Seconds: what takes less at the smaller size says nothing of growth."""
_ANALYSIS_SECONDS = 600.0
_MB = 2**20

type Taken = dict[str, list[float]]


@dataclass
class Measured:
    """One size. ``cpu``, ``seconds``: of each run of each step; ``peaks``: MB by process."""

    services: int
    cpu: Mapping[str, Sequence[float]]
    seconds: Mapping[str, Sequence[float]]
    notes: Mapping[str, str]
    peaks: Mapping[str, float]


def run(report: Report, *, quick: bool) -> None:
    """All sizes of the layered graph and how they grow; then the largest as one giant cycle, which has to work."""
    sizes = QUICK_SIZES if quick else SIZES
    found: list[Measured] = []
    with stage(heap_mb=HEAP_MB) as on:
        for size in sizes:
            found.append(_measured(on, size))
            _say(report, found[-1])
        _answers(report, on, sizes[-1])
        for before, after in pairwise(found):
            _compare(report, before, after)
        if len(found) > 2:
            _compare(report, found[0], found[-1])
        _say(report, _measured(on, sizes[-1], is_cycle=True), "one cycle of ")
        cycle = giant_cycle(sizes[-1], sizes[-1] * EDGES_EACH)
        ask_all(report, on, [str(row["serviceId"]) for row in cycle["services"]], len(cycle["dependencies"]))


def _measured(on: Stage, services: int, *, is_cycle: bool = False) -> Measured:
    """Into the empty database with a worker of its own."""
    document = (giant_cycle if is_cycle else layered_graph)(services, services * EDGES_EACH)
    on.empty()
    with on.workers():
        asyncio.run(_ingested(on, layered_graph(400, 4_000)))  # the first writes of a process are slow
        on.empty()
        cpu, seconds = asyncio.run(_ingested(on, document))
        peaks = {"worker": _peak_mb(on.processes["worker"])}
    told = _steps(on, services, is_cycle=is_cycle)
    peaks["one process that did every step"] = told["peak_mib"]
    peaks |= {name: _peak_mb(process) for name, process in _stores(on).items()}
    return Measured(services, cpu | told["cpu"], seconds | told["seconds"], told["notes"], peaks)


def _steps(on: Stage, services: int, *, is_cycle: bool) -> dict[str, Any]:
    arguments = [str(services), str(services * EDGES_EACH), *(["cycle"] if is_cycle else [])]
    done = subprocess.run(
        [sys.executable, "-m", "bench.growth_steps", *arguments],
        stdout=subprocess.PIPE,
        check=True,
        env=on.environment(),
    )
    told: dict[str, Any] = orjson.loads(done.stdout)
    return told


async def _ingested(on: Stage, document: Mapping[str, Any]) -> tuple[Taken, Taken]:
    """Until condensed, then until analysed: processor time of the worker, and time.

    What is too large for one ingestion goes in as several; what follows each but the last is not counted.
    """
    url, user, password = on.settings.required_neo4j()
    ingest_cpu = ingest = 0.0
    for part in portions(document):
        await asyncio.to_thread(on.wait_idle)
        start = on.cpu_seconds("worker")
        async with open_use_cases(on.settings) as use_cases:
            ingest += (await merged_by_worker(use_cases, part))[0]
        merged = on.cpu_seconds("worker")
        ingest_cpu += merged - start
    began = time.monotonic()
    async with open_neo4j(url, user, password) as stores:
        version = await stores.graph.version()
        while await stores.centrality.analysed_version() != version:
            if time.monotonic() - began > _ANALYSIS_SECONDS:
                raise RuntimeError(f"graph version {version} was not analysed within {_ANALYSIS_SECONDS:.0f} s")
            await asyncio.sleep(0.05)
    cpu = {"ingest until condensed": [ingest_cpu], "analysed after that": [on.cpu_seconds("worker") - merged]}
    return cpu, {"ingest until condensed": [ingest], "analysed after that": [time.monotonic() - began]}


def _answers(report: Report, on: Stage, services: int) -> None:
    """Impact through the API on what is stored now, and what memory the API took."""
    document = layered_graph(services, services * EDGES_EACH)
    names = [str(row["serviceId"]) for row in document["services"]]
    some = [names[place] for place in np.random.default_rng(7).permutation(len(names))[:60]]
    what = f"{services:,} services, {services * EDGES_EACH:,} edges, through GraphQL: impact"
    with on.api() as url:
        first, _ = ask_impact(on, url, some[:1])
        usual, cpu_ms = ask_impact(on, url, some)
        hard, hub_cpu_ms = ask_impact(on, url, hubs_of(document) * 3)
        peak = _peak_mb(on.processes["api"])
    goal = Goal(GOAL_MS, quantile=0.95) if services <= 5_000 else None
    note = f"asked right after the start: {first[0]:,.0f} ms; processor time of the API {cpu_ms:.0f} ms"
    report.add(Row(SECTION, f"{what}, any service", usual, "ms", goal, note=note))
    note = f"processor time of the API {hub_cpu_ms:.0f} ms"
    report.add(Row(SECTION, f"{what}, hubs", hard, "ms", goal, note=note))
    report.add(Row(SECTION, f"{services:,} services: peak memory, API", [peak], "MB"))


def _stores(on: Stage) -> dict[str, psutil.Process]:
    """Neo4j and Redis of this stage, by name."""
    names = {"java": "Neo4j", "redis-server": "Redis"}
    home = str(on.home)
    found: dict[str, psutil.Process] = {}
    for process in psutil.Process().children(recursive=True):
        name = names.get(process.name())
        if name is not None and any(home in argument for argument in process.cmdline()):
            found[name] = process
    return found


def _peak_mb(root: psutil.Process) -> float:
    """Peak resident memory of a process and its children, each at its own peak: an upper bound of the sum."""
    peaks = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
        peaks += float(peak) * 1024.0
    return peaks / _MB


def _say(report: Report, one: Measured, kind: str = "") -> None:
    named = f"{kind}{one.services:,} services, {one.services * EDGES_EACH:,} edges"
    for step, taken in one.cpu.items():
        waited = f"took {np.median(one.seconds[step]):.3g} s" + (", median" if len(taken) > 1 else "")
        note = "; ".join(filter(None, [waited, one.notes.get(step, "")]))
        report.add(Row(SECTION, f"{named}: {step}, processor time", taken, "s", note=note))
    for process, peak in one.peaks.items():
        report.add(Row(SECTION, f"{named}: peak memory, {process}", [peak], "MB"))


def _compare(report: Report, before: Measured, after: Measured) -> None:
    """Growth of each step's processor time over growth of n log n; 1 or less is what is asked for."""
    allowed = after.services * np.log(after.services) / (before.services * np.log(before.services))
    for step in before.cpu:
        small, large = float(np.median(before.cpu[step])), float(np.median(after.cpu.get(step, [np.nan])))
        if small < _SHORT or not np.isfinite(large):
            continue
        report.add(
            Row(
                SECTION,
                f"{before.services:,} to {after.services:,}: {step}, growth over that of n log n",
                [large / small / allowed],
                "×",
                Goal(_NOISE),
                note=f"{large / small:.2f} times the processor time, n log n {allowed:.2f}",
            )
        )
