"""What ``up`` does once everything runs: fill an empty graph, catch up on telemetry, recommend for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.aggregate_telemetry import (
    LOOKBACK,
    AggregateTelemetryCommand,
    AggregationReport,
)
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.bootstrap.container import UseCases
from sloengine.cli.session import operator
from sloengine.domain.errors import Conflict, Unavailable
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.infrastructure.files.documents import read_ingestion_file
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli
from sloengine.infrastructure.sample.organisation import sample_document

_MERGE_TIMEOUT_SECONDS = 300.0
_BATCH = 20
"""Services computed at once share what is read of the graph and of history."""
SLI_TYPES = (SliType.AVAILABILITY, SliType.LATENCY)

Advance = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Files:
    """What was named on the command line, read and checked before anything is started."""

    document: Mapping[str, Any] | None
    series: LoadSliCommand | None
    warnings: tuple[str, ...]


def read_files(edges: Path | None, sli: Path | None, latency: Path | None) -> Files | None:
    """The files' content; None when none is named. Raises: FileProblem, with line numbers."""
    if edges is None and sli is None and latency is None:
        return None
    document, warnings = (None, ()) if edges is None else read_ingestion_file(edges)
    series = None
    if sli is not None or latency is not None:
        series = LoadSliCommand(
            panel=None if sli is None else read_sli(sli),
            latency=() if latency is None else tuple(read_latency(latency).values()),
        )
    return Files(document, series, tuple(warnings))


async def ingest_sample(use_cases: UseCases, seed: int, advance: Advance) -> Ingestion:
    """The sample organisation, merged by the worker."""
    return await _ingest(use_cases, sample_document(seed), f"sample-organisation-{seed}", advance)


async def ingest_files(use_cases: UseCases, files: Files, advance: Advance) -> Ingestion | None:
    """Edges, merged by the worker, then series, and what they teach."""
    ingestion = None
    if files.document is not None:
        ingestion = await _ingest(use_cases, files.document, None, advance)
    if files.series is not None:
        await use_cases.load_sli(files.series, actor=operator())
        await use_cases.learn_priors()
    return ingestion


async def _ingest(
    use_cases: UseCases, document: Mapping[str, Any], key: str | None, advance: Advance
) -> Ingestion:
    command = IngestDependenciesCommand(source=DiscoverySource.MANUAL, document=document, idempotency_key=key)
    ingestion = await use_cases.ingest_dependencies(command, actor=operator())
    async with asyncio.timeout(_MERGE_TIMEOUT_SECONDS):
        while ingestion.status not in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            await asyncio.sleep(0.1)
            ingestion = (await use_cases.read_graph.ingestions([ingestion.ingestion_id]))[ingestion.ingestion_id]
            advance(ingestion.progress)
    if ingestion.status is JobStatus.FAILED:
        raise Unavailable(f"the ingestion failed: {ingestion.error}")
    return ingestion


async def aggregate(use_cases: UseCases, advance: Advance) -> AggregationReport:
    """Pull the hours that are missing; waits while the worker is at it."""

    async def run() -> AggregationReport:
        while True:
            try:
                return await use_cases.aggregate_telemetry(AggregateTelemetryCommand())
            except Conflict:
                await asyncio.sleep(1)

    report = await _watched(run(), use_cases, advance)
    # Learning reads the whole history: only where there is something new to learn from, or nothing was learnt yet.
    learn_priors = use_cases.learn_priors
    is_new = report.hours > 0 or await learn_priors.priors.load(SliType.AVAILABILITY) is None
    if report.aggregated_to is not None and is_new:
        await learn_priors()
    return report


async def _watched(work: Awaitable[AggregationReport], use_cases: UseCases, advance: Advance) -> AggregationReport:
    """Show how far the watermark has come while the work is going on."""
    history, clock = use_cases.aggregate_telemetry.history, use_cases.aggregate_telemetry.clock
    began = (await history.watermark()).aggregated_to
    task = asyncio.ensure_future(work)
    while not (await asyncio.wait({task}, timeout=0.5))[0]:
        reached = (await history.watermark()).aggregated_to
        if reached is not None:
            begin = began or clock.now() - LOOKBACK
            advance(max(0.0, (reached - begin) / (clock.now() - begin)))
    return task.result()


async def recommend_all(
    use_cases: UseCases, service_ids: Sequence[str], advance: Advance
) -> list[RecommendationResult]:
    """Availability and latency for every service; what was computed before and still holds is read."""
    results: list[RecommendationResult] = []
    for begin in range(0, len(service_ids), _BATCH):
        batch = service_ids[begin : begin + _BATCH]
        results.extend(
            await use_cases.recommend(RecommendCommand(service_ids=batch, sli_types=SLI_TYPES), actor=operator())
        )
        advance((begin + len(batch)) / len(service_ids))
    return results
