"""Actors of the dependency graph.

What writes the graph has the queue ``topology``, so that an ingestion waits for nothing else; what reads it at
length, or outside systems, has queues of its own (``sloengine.infrastructure.queue.broker.QUEUES``).
"""

from __future__ import annotations

import dramatiq
from dramatiq.errors import Retry
from periodiq import cron

from sloengine.domain.errors import Conflict, Invalid, NotFound
from sloengine.domain.topology.dependency import DiscoverySource
from workers.context import use_cases
from workers.governance import relay_outbox
from workers.telemetry import aggregate

_BUSY_DELAY_MS = 1_000
"""Wait for the merge that is running; the sweep takes over when it lasts longer than all retries."""


@dramatiq.actor(
    actor_name="topology.analyse_graph",
    queue_name="graph_upkeep",
    max_retries=3,
    time_limit=900_000,
    periodic=cron("*/5 * * * *"),
)
async def analyse_graph() -> None:
    """Work out centralities of a graph version that has none yet. Safe to run twice."""
    await (await use_cases()).analyse_graph()


@dramatiq.actor(
    actor_name="topology.merge_ingestion",
    queue_name="topology",
    max_retries=60,
    time_limit=900_000,
    throws=(NotFound,),
)
async def merge_ingestion(ingestion_id: str) -> None:
    """Merge one ingestion, then read in the past of services that are new. Safe to run twice."""
    try:
        merged = await (await use_cases()).merge_ingestion(ingestion_id)
    except Conflict as busy:
        raise Retry(str(busy), delay=_BUSY_DELAY_MS) from busy
    if merged.services_created:
        aggregate.send()
    analyse_graph.send()


@dramatiq.actor(
    actor_name="topology.discover",
    queue_name="discovery",
    max_retries=2,
    min_backoff=30_000,
    time_limit=900_000,
    throws=(Invalid,),
)
async def discover(source: str) -> None:
    """Read one source and take in what it knows. Safe to run twice."""
    from sloengine.application.topology.discover_dependencies import (  # noqa: PLC0415 - as in the context
        SCHEDULE,
        DiscoverDependenciesCommand,
    )

    command = DiscoverDependenciesCommand(DiscoverySource(source))
    await (await use_cases()).discover_dependencies(command, actor=SCHEDULE)


@dramatiq.actor(
    actor_name="topology.discover_due",
    queue_name="discovery",
    max_retries=0,
    max_age=240_000,
    periodic=cron("*/5 * * * *"),
)
async def discover_due() -> None:
    """Enqueue the sources that are due. Safe to run twice."""
    await (await use_cases()).enqueue_due_discoveries()


@dramatiq.actor(
    actor_name="topology.resume_ingestions",
    queue_name="topology",
    max_retries=0,
    max_age=50_000,
    periodic=cron("* * * * *"),
)
async def resume_ingestions() -> None:
    """Enqueue ingestions again whose message was lost."""
    await (await use_cases()).resume_ingestions()


@dramatiq.actor(
    actor_name="topology.mark_stale", queue_name="topology", max_retries=20, periodic=cron("17 * * * *")
)
async def mark_stale() -> None:
    """Notice dependencies that no source has seen for their time to live. Safe to run twice."""
    try:
        await (await use_cases()).mark_stale()
    except Conflict as busy:
        raise Retry(str(busy), delay=_BUSY_DELAY_MS) from busy
    detect_divergences.send()


@dramatiq.actor(
    actor_name="topology.detect_divergences", queue_name="graph_upkeep", max_retries=20, time_limit=900_000
)
async def detect_divergences(callers: list[str] | None = None) -> None:
    """Find where declared and observed dependencies disagree, of some callers or of all. Safe to run twice."""
    try:
        report = await (await use_cases()).detect_divergences(callers)
    except Conflict as busy:
        raise Retry(str(busy), delay=_BUSY_DELAY_MS) from busy
    if report.new:
        relay_outbox.send()


@dramatiq.actor(
    actor_name="topology.learn_pass_through",
    queue_name="graph_upkeep",
    max_retries=3,
    time_limit=1_800_000,
    periodic=cron("37 3 * * *"),
)
async def learn_pass_through(after: str | None = None) -> None:
    """Learn how much of their dependencies' failures reaches some callers, then the next. Safe to run twice."""
    learnt = await (await use_cases()).learn_pass_through(after)
    if learnt.last is not None:
        learn_pass_through.send(learnt.last)
