"""Ingestions and their payloads in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.idempotency import earlier_answer, keep
from sloengine.infrastructure.told_events import progressed_event

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class MemoryIngestionStore:
    """Keeps the ``IngestionStore`` port."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def submit(
        self, ingestion: Ingestion, payload: bytes, *, actor: str, request: KeyedRequest | None
    ) -> Ingestion:
        """Store both."""
        if request is not None:
            earlier = earlier_answer(self._db, request, self._clock.now())
            if earlier is not None:
                return self._db.ingestions[earlier]
            keep(self._db, request, ingestion.ingestion_id, self._clock.now())
        self._db.payloads[ingestion.ingestion_id] = payload
        await self.save(ingestion)
        return ingestion

    async def get(self, ingestion_ids: Sequence[str]) -> Mapping[str, Ingestion]:
        """These ingestions."""
        return {key: self._db.ingestions[key] for key in ingestion_ids if key in self._db.ingestions}

    async def payload(self, ingestion_id: str) -> bytes | None:
        """The payload as submitted."""
        return self._db.payloads.get(ingestion_id)

    async def save(self, ingestion: Ingestion, *, drop_payload: bool = False) -> None:
        """Store progress or outcome."""
        self._db.ingestions[ingestion.ingestion_id] = ingestion
        self._db.touched_at[ingestion.ingestion_id] = self._clock.now()
        event = progressed_event(ingestion, self._clock.now())
        self._db.outbox[event.event_id] = event
        if drop_payload:
            self._db.payloads.pop(ingestion.ingestion_id, None)

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Queued or running and not touched since."""
        rows = [
            ingestion
            for ingestion in self._db.ingestions.values()
            if ingestion.status in (JobStatus.QUEUED, JobStatus.RUNNING)
            and self._db.touched_at[ingestion.ingestion_id] < older_than
        ]
        return [i.ingestion_id for i in sorted(rows, key=lambda i: i.submitted_at or _LONG_AGO)]
