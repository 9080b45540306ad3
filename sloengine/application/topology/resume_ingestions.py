"""Sweep for ingestions whose message was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.job_queue import JobQueue


@dataclass(frozen=True, slots=True)
class ResumeIngestions:
    """Enqueue again what is queued or running and has not moved for a while."""

    store: IngestionStore
    queue: JobQueue
    clock: Clock
    patience: timedelta = timedelta(seconds=30)

    async def __call__(self) -> Sequence[str]:
        """Ids enqueued again, oldest first. Raises ``Unavailable`` when the queue is away."""
        waiting = await self.store.unfinished(older_than=self.clock.now() - self.patience)
        for ingestion_id in waiting:
            await self.queue.enqueue("topology.merge_ingestion", ingestion_id=ingestion_id)
        return waiting
