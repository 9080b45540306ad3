"""Availability and latency recommendations for every service, by the workers, from stored aggregates.

The series are plain synthetic counts, made here with numpy: what is measured is reading, computing and storing,
and the simulator would take minutes for so many services.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.rows import Goal, Report, Row
from bench.stage import Stage, stage
from bench.watched import Watched
from sloengine.application.recommendation.recommendation_job import StartRecommendationJobCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory, SliPanel
from sloengine.domain.topology.ingestion import JobStatus

SECTION = "all-services"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS = 90
BOUNDS = np.array([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, np.inf])
WORKERS = 2
ACTOR = Actor("apikey:bench", Role.SRE_ADMIN)
_SERVICES_AT_ONCE = 500


@dataclass(frozen=True)
class Size:
    """Services, edges, goal in seconds."""

    services: int
    edges: int
    seconds: float


SIZES, QUICK_SIZES = (Size(1_250, 12_500, 300.0), Size(5_000, 50_000, 300.0)), (Size(60, 300, 300.0),)


def run(report: Report, *, quick: bool) -> None:
    """One job over all services, two worker processes; CPU seconds beside the time, for busy machines."""
    measured = [(size, _measure(report, size)) for size in (QUICK_SIZES if quick else SIZES)]
    if len(measured) > 1:
        (small, before), (large, after) = measured[0], measured[-1]
        what = f"CPU of the workers, from {small.services:,} to {large.services:,} services"
        note = f"{large.services / small.services:g} times the services"
        report.add(Row(SECTION, what, [after / before], "×", note=note))


def _measure(report: Report, size: Size) -> float:
    """CPU seconds of the workers."""
    with stage(heap_mb=3_072) as on:
        began = time.monotonic()
        asyncio.run(_prepare(on, size))
        prepared = time.monotonic() - began
        with on.workers(WORKERS) as worker, Watched(worker.pid) as watched:
            seconds, failed = asyncio.run(_job(on))
    peak = watched.peak_bytes / 2**30
    note = (
        f"{failed} failed; {watched.cpu_seconds:.0f} s CPU and at most {peak:.2f} GiB in all worker processes; "
        f"storing the history and the daily learning took {prepared:.0f} s"
    )
    what = f"{size.services:,} services, {size.edges:,} edges, {DAYS} d hourly, {WORKERS} worker processes"
    report.add(Row(SECTION, what, [seconds], "s", Goal(size.seconds), note=note))
    report.add(Row(SECTION, "a service, availability and latency", [1_000 * seconds / size.services], "ms"))
    return watched.cpu_seconds


async def _prepare(on: Stage, size: Size) -> None:
    document = layered_graph(size.services, size.edges)
    service_ids = [row["serviceId"] for row in document["services"]]
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)
        random = np.random.default_rng(11)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for first in range(0, len(service_ids), _SERVICES_AT_ONCE):
            some = service_ids[first : first + _SERVICES_AT_ONCE]
            command = LoadSliCommand(
                synthetic_panel(some, today, random), synthetic_histories(some, today, random)
            )
            await use_cases.load_sli(command, actor=ACTOR)
        await use_cases.learn_priors()
        await learn_pass_through(use_cases)


async def learn_pass_through(use_cases: UseCases) -> None:
    """Over the whole graph, as the worker does daily."""
    learnt = await use_cases.learn_pass_through()
    while learnt.last is not None:
        learnt = await use_cases.learn_pass_through(learnt.last)


def synthetic_panel(service_ids: list[str], today: datetime, random: np.random.Generator) -> SliPanel:
    """Poisson traffic, a base rate of failures, and a few bad hours."""
    shape = (len(service_ids), DAYS * 24)
    total = random.poisson(random.lognormal(6, 1, (shape[0], 1)), shape).astype(np.float64)
    rate = np.where(random.random(shape) < 5e-4, 0.2, random.lognormal(-10, 0.5, (shape[0], 1)))
    return SliPanel(
        tuple(service_ids), today - DAYS * DAY, HOUR, total - random.binomial(total.astype(int), rate), total
    )


def synthetic_histories(
    service_ids: list[str], today: datetime, random: np.random.Generator
) -> list[LatencyHistory]:
    """Daily histograms, one shape a service."""
    shares = random.dirichlet(np.array([2, 5, 20, 40, 20, 8, 3, 1, 0.5, 0.1]), len(service_ids))
    drawn = random.poisson(20_000 * shares[:, None, :], (len(service_ids), DAYS, len(BOUNDS)))
    counts: FloatArray = drawn.astype(np.float64)
    bounds: FloatArray = BOUNDS.astype(np.float64)
    start_at = today - DAYS * DAY
    return [
        LatencyHistory(service_id, start_at, bounds, rows)
        for service_id, rows in zip(service_ids, counts, strict=True)
    ]


async def _job(on: Stage) -> tuple[float, int]:
    async with open_use_cases(on.settings) as use_cases:
        began = time.monotonic()
        job = await use_cases.start_recommendation_job(StartRecommendationJobCommand(force=True), actor=ACTOR)
        return await _ended(use_cases, job.job_id, began)


async def _ended(use_cases: UseCases, job_id: str, began: float) -> tuple[float, int]:
    while True:
        await asyncio.sleep(0.2)
        job = (await use_cases.read_recommendations.job([job_id]))[job_id]
        if job.status is JobStatus.FAILED:
            raise RuntimeError(f"the job failed: {job.error}")
        if job.status is JobStatus.SUCCEEDED:
            return time.monotonic() - began, job.failed
