"""How time and memory grow from 2,500 to 10,000 services: ingest until condensed, analysis, three hops.

Each step's growth is held against that of n log n, and the worker's peak memory is told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil

from bench.graphs import layered_graph
from bench.merging import merged_by_worker
from bench.rows import Goal, Report, Row
from bench.stage import Stage, stage
from sloengine.application.topology.graph_measures import measure
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.infrastructure.neo4j import open_neo4j

SECTION = "growth"
SIZES = (2_500, 5_000, 10_000)
QUICK_SIZES = (200, 400)
EDGES_EACH = 10
_ROOTS = 60
_NOISE = 1.15
"""A ratio of two single measurements on a shared machine wavers by so much."""
_ANALYSIS_SECONDS = 600.0
_MB = 2**20


@dataclass
class Measured:
    """Seconds of each step at one size; ``three_hops``: milliseconds of each of some roots."""

    services: int
    ingest: float
    analysis: float
    analysis_cpu: float
    three_hops: Sequence[float]
    answers: Sequence[int]
    worker_mb: float


def run(report: Report, *, quick: bool) -> None:
    """All sizes, each into the empty database with a worker of its own, then what grew how."""
    found: list[Measured] = []
    with stage(heap_mb=2048) as on:
        for size in QUICK_SIZES if quick else SIZES:
            on.empty()
            with on.workers():
                _warm_up(on)
                on.empty()
                found.append(asyncio.run(_measured(on, size)))
            _say(report, found[-1])
    for before, after in pairwise(found):
        _compare(report, before, after)
    if len(found) > 2:
        _compare(report, found[0], found[-1])


def _warm_up(on: Stage) -> None:
    async def merged() -> None:
        async with open_use_cases(on.settings) as use_cases:
            await merged_by_worker(use_cases, layered_graph(400, 4_000))

    asyncio.run(merged())


async def _measured(on: Stage, services: int) -> Measured:
    document = layered_graph(services, services * EDGES_EACH)
    url, user, password = on.settings.required_neo4j()
    async with open_use_cases(on.settings) as use_cases, open_neo4j(url, user, password) as stores:
        seconds, _ = await merged_by_worker(use_cases, document)
        began = time.monotonic()
        version = await use_cases.read_graph.version()
        while await stores.centrality.analysed_version() != version:
            if time.monotonic() - began > _ANALYSIS_SECONDS:
                raise RuntimeError(f"graph version {version} was not analysed within {_ANALYSIS_SECONDS:.0f} s")
            await asyncio.sleep(0.05)
        analysis = time.monotonic() - began
        snapshot = await stores.graph.snapshot()
        cpu = time.process_time()
        await asyncio.to_thread(measure, snapshot)
        cpu = time.process_time() - cpu
        hops, answers = await _three_hops(use_cases, [service.service_id for service in snapshot.services])
    return Measured(services, seconds, analysis, cpu, hops, answers, _peak_mb(on.processes["worker"]))


async def _three_hops(use_cases: UseCases, service_ids: Sequence[str]) -> tuple[list[float], list[int]]:
    chosen = np.random.default_rng(7).choice(len(service_ids), min(_ROOTS, len(service_ids)), replace=False)
    milliseconds: list[float] = []
    edges: list[int] = []
    for position in chosen.tolist():
        began = time.perf_counter()
        found = await use_cases.read_graph.neighbourhood([service_ids[position]], depth=3)
        milliseconds.append(1000.0 * (time.perf_counter() - began))
        edges.append(len(found.dependencies))
    return milliseconds, edges


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


def _say(report: Report, one: Measured) -> None:
    named = f"{one.services:,} services, {one.services * EDGES_EACH:,} edges"
    report.add(Row(SECTION, f"{named}: ingest until condensed", [one.ingest], "s"))
    cpu = f"measures alone {one.analysis_cpu:.2f} s of a processor"
    report.add(Row(SECTION, f"{named}: analysed after that", [one.analysis], "s", note=cpu))
    edges = f"median answer {int(np.median(one.answers)):,} edges, largest {max(one.answers):,}"
    report.add(Row(SECTION, f"{named}: three hops", one.three_hops, "ms", note=edges))
    report.add(Row(SECTION, f"{named}: peak memory of the worker", [one.worker_mb], "MB"))


def _compare(report: Report, before: Measured, after: Measured) -> None:
    """Growth of each step over growth of n log n; 1 or less is what is asked for."""
    allowed = after.services * np.log(after.services) / (before.services * np.log(before.services))
    steps = {
        "ingest until condensed": after.ingest / before.ingest,
        "measures of the graph (processor time)": after.analysis_cpu / before.analysis_cpu,
        "three hops (median)": float(np.median(after.three_hops) / np.median(before.three_hops)),
    }
    for step, grown in steps.items():
        report.add(
            Row(
                SECTION,
                f"{before.services:,} to {after.services:,} services: {step}, growth over that of n log n",
                [grown / allowed],
                "×",
                Goal(_NOISE),
                note=f"{grown:.2f} times as long, n log n {allowed:.2f}",
            )
        )
