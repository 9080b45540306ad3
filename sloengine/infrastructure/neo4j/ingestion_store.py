"""Ingestions in Neo4j: the payload in pieces beside the node, until it is merged."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.idempotency import IdempotencyKey
from sloengine.infrastructure.neo4j.outbox import event_properties
from sloengine.infrastructure.told_events import progressed_event

_PIECE_BYTES = 256 * 1024
_ZLIB, _ZLIB_LEVEL = "zlib", 1
_FINAL = (JobStatus.SUCCEEDED, JobStatus.FAILED)


class Neo4jIngestionStore:
    """Keeps the ``IngestionStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def submit(
        self, ingestion: Ingestion, payload: bytes, *, actor: str, request: KeyedRequest | None
    ) -> Ingestion:
        """Ingestion, payload and key in one transaction; the first ingestion when the key was used before."""
        key = None if request is None else IdempotencyKey.of(request)
        now = datetime.now(UTC)
        # Rows pack to a tenth; Neo4j would write, and later drop, a record for each 120 bytes.
        packed = await asyncio.to_thread(zlib.compress, payload, _ZLIB_LEVEL)

        async def work(transaction: Transaction) -> Ingestion:
            if key is not None:
                earlier = await key.earlier_answer(transaction, now)
                if earlier is not None:
                    [(_, document)] = await transaction.rows("read/ingestions", ingestion_ids=[earlier])
                    return decode(Ingestion, document)
                await key.keep(transaction, ingestion.ingestion_id)
            await _save(transaction, ingestion, {"submitted_by": actor})
            await transaction.rows(
                "write/store_ingestion_payload",
                ingestion_id=ingestion.ingestion_id,
                pieces=[packed[start : start + _PIECE_BYTES] for start in range(0, len(packed), _PIECE_BYTES)],
                encoding=_ZLIB,
            )
            return ingestion

        return await self._connection.in_write(work, knows_itself=True)

    async def get(self, ingestion_ids: Sequence[str]) -> Mapping[str, Ingestion]:
        """These ingestions; unknown ids are absent."""
        rows = await self._connection.read("ingestions", ingestion_ids=list(ingestion_ids))
        return {ingestion_id: decode(Ingestion, document) for ingestion_id, document in rows}

    async def payload(self, ingestion_id: str) -> bytes | None:
        """The payload as submitted; None when it was dropped or never existed.

        ``Unavailable`` where a later version has packed it in its way: one of its workers will read it.
        """
        rows = await self._connection.read("ingestion_payload", ingestion_id=ingestion_id)
        if not rows:
            return None
        stored, encoding = b"".join(bytes(row[0]) for row in rows), rows[0][1]
        if encoding not in {None, _ZLIB}:
            raise Unavailable(f"ingestion {ingestion_id} is packed as {encoding!r}: a newer worker is needed")
        return stored if encoding is None else await asyncio.to_thread(zlib.decompress, stored)

    async def save(self, ingestion: Ingestion, *, drop_payload: bool = False) -> None:
        """Store progress or outcome."""

        async def work(transaction: Transaction) -> None:
            await _save(transaction, ingestion, {})
            if drop_payload:
                await transaction.rows("write/drop_ingestion_payload", ingestion_id=ingestion.ingestion_id)

        await self._connection.in_write(work)

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Queued or running without progress since; progress is timed by the database's clock."""
        rows = await self._connection.read("unfinished_ingestions", older_than=older_than)
        return [row[0] for row in rows]


async def _save(transaction: Transaction, ingestion: Ingestion, more: Mapping[str, Any]) -> None:
    await transaction.rows(
        "write/save_ingestion",
        ingestion_id=ingestion.ingestion_id,
        properties={
            "source": ingestion.source.value,
            "status": ingestion.status.value,
            "progress": ingestion.progress,
            "graph_version": ingestion.graph_version,
            "submitted_at": ingestion.submitted_at,
            "finished_at": ingestion.finished_at,
            "document": encode(ingestion).decode(),
            **more,
        },
        event=event_properties(progressed_event(ingestion, datetime.now(UTC)), 0),
        is_final=ingestion.status in _FINAL,
    )
