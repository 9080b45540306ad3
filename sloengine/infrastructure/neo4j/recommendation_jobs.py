"""Bulk recommendations in Neo4j: one node a job; what is still to do shrinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.idempotency import IdempotencyKey
from sloengine.infrastructure.neo4j.node_session import NodeSession
from sloengine.infrastructure.neo4j.nodes import RecommendationJobNode


class Neo4jRecommendationJobStore:
    """Keeps the ``RecommendationJobStore`` port."""

    def __init__(self, connection: Neo4jConnection, nodes: NodeSession) -> None:
        self._connection = connection
        self._nodes = nodes

    async def create_job(
        self,
        job_id: str,
        service_ids: Sequence[str],
        options: Mapping[str, str],
        *,
        request: KeyedRequest | None = None,
    ) -> str:
        """Record a job, and its request's answer with it; an id that is known stays as it is."""
        pending = list(dict.fromkeys(service_ids))
        key = None if request is None else IdempotencyKey.of(request)
        now = datetime.now(UTC)

        async def work(transaction: Transaction) -> str:
            if key is not None:
                earlier = await key.earlier_answer(transaction, now)
                if earlier is not None:
                    return earlier
                await key.keep(transaction, job_id)
            await transaction.rows(
                "write/create_recommendation_job",
                job_id=job_id,
                pending=pending,
                status=(JobStatus.QUEUED if pending else JobStatus.SUCCEEDED).value,
                options=orjson.dumps(dict(options)).decode(),
            )
            return job_id

        return await self._connection.in_write(work, knows_itself=True)

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Jobs without progress since; progress is timed by the database's clock."""
        rows = await self._connection.read("unfinished_recommendation_jobs", older_than=older_than)
        return [row[0] for row in rows]

    async def next_batch(self, job_id: str, size: int) -> tuple[Sequence[str], Mapping[str, str]]:
        """Services still to do and the job's options; nothing for an unknown job."""
        node = await self._node(job_id)
        return ([], {}) if node is None else ((node.pending or [])[:size], orjson.loads(node.options))

    async def mark_done(self, job_id: str, service_ids: Sequence[str], *, failed: int) -> None:
        """Progress; of services that were done already nothing is counted again."""
        await self._connection.write(
            "mark_job_services_done", job_id=job_id, service_ids=list(service_ids), failed=failed
        )

    async def job(self, job_id: str) -> tuple[JobStatus, int, int, int, str | None] | None:
        """Status, total, done, failed, error; None for an unknown job."""
        node = await self._node(job_id)
        if node is None:
            return None
        done = node.total - len(node.pending or [])
        return JobStatus(node.status), node.total, done, node.failed, node.error

    async def forget(self, *, done_before: datetime) -> int:
        """Drop finished jobs; progress is timed by the database's clock."""
        [(dropped,)] = await self._connection.write_in_batches("drop_recommendation_jobs", before=done_before)
        return int(dropped)

    async def _node(self, job_id: str) -> RecommendationJobNode | None:
        async with self._nodes.reading():
            node: RecommendationJobNode | None = await RecommendationJobNode.nodes.get_or_none(job_id=job_id)
        return node
