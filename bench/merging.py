"""Ingestions as users and workers run them, for all measurements that need a graph."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.bootstrap.container import UseCases
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus

ACTOR = Actor("bench", Role.SRE_ADMIN)
_POLL_SECONDS = 0.05
_TIMEOUT_SECONDS = 300.0
_EDGES_AT_ONCE = 50_000


def portions(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same as ingestions that are small enough each: all services with the first, no caller in two."""
    by_caller: dict[str, list[Any]] = {}
    for row in document["dependencies"]:
        by_caller.setdefault(row["caller"], []).append(row)
    parts: list[dict[str, Any]] = [{"services": document["services"], "dependencies": []}]
    for rows in by_caller.values():
        if len(parts[-1]["dependencies"]) + len(rows) > _EDGES_AT_ONCE:
            parts.append({"services": [], "dependencies": []})
        parts[-1]["dependencies"] += rows
    return parts


async def submit(use_cases: UseCases, document: Mapping[str, Any]) -> Ingestion:
    """Hand it in, as a person who states it."""
    command = IngestDependenciesCommand(source=DiscoverySource.MANUAL, document=document)
    return await use_cases.ingest_dependencies(command, actor=ACTOR)


async def merged_here(use_cases: UseCases, document: Mapping[str, Any]) -> tuple[float, Ingestion]:
    """Seconds from submission to merged and condensed, merged by this process."""
    began = time.perf_counter()
    ingestion = await submit(use_cases, document)
    ingestion = await use_cases.merge_ingestion(ingestion.ingestion_id)
    return time.perf_counter() - began, _checked(ingestion, document)


async def merged_by_worker(use_cases: UseCases, document: Mapping[str, Any]) -> tuple[float, Ingestion]:
    """Seconds from submission to merged and condensed, merged by a worker process; seen by asking every 50 ms."""
    began = time.perf_counter()
    ingestion = await submit(use_cases, document)
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while ingestion.status not in {JobStatus.SUCCEEDED, JobStatus.FAILED}:
            await asyncio.sleep(_POLL_SECONDS)
            ingestion = (await use_cases.read_graph.ingestions([ingestion.ingestion_id]))[ingestion.ingestion_id]
    return time.perf_counter() - began, _checked(ingestion, document)


def _checked(ingestion: Ingestion, document: Mapping[str, Any]) -> Ingestion:
    """Raise unless all of it went in."""
    if ingestion.status is not JobStatus.SUCCEEDED or ingestion.rejected:
        raise RuntimeError(
            f"the ingestion ended as {ingestion.status}: {ingestion.error} {ingestion.rejected[:3]}"
        )
    if ingestion.accepted != len(document["services"]) + len(document["dependencies"]):
        raise RuntimeError(f"{ingestion.accepted} rows accepted")
    return ingestion
