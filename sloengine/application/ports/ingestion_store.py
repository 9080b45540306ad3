"""Ingestions and their payloads, durable before anybody is told that they were accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.topology.ingestion import Ingestion


class IngestionStore(Protocol):
    """Holds the payload until it is merged, and the progress."""

    async def submit(
        self, ingestion: Ingestion, payload: bytes, *, actor: str, request: KeyedRequest | None
    ) -> Ingestion:
        """Store both in one transaction.

        The same request under the same key gives the first ingestion back; with another body it raises
        ``IdempotencyMismatch``. ``request`` None: it came without a key.
        """
        ...

    async def get(self, ingestion_ids: Sequence[str]) -> Mapping[str, Ingestion]:
        """These ingestions; unknown ids are absent."""
        ...

    async def payload(self, ingestion_id: str) -> bytes | None:
        """The payload as submitted; None when it was merged (and dropped) or never existed."""
        ...

    async def save(self, ingestion: Ingestion, *, drop_payload: bool = False) -> None:
        """Store progress or outcome; a terminal status also drops the payload when asked."""
        ...

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Ids of QUEUED or RUNNING ingestions whose last progress is before this; oldest first."""
        ...
