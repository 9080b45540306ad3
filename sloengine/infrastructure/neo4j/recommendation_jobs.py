"""Bulk recommendations in Neo4j: one node a job; what is still to do shrinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.neo4j.connection import Neo4jConnection
from sloengine.infrastructure.neo4j.node_session import NodeSession
from sloengine.infrastructure.neo4j.nodes import RecommendationJobNode


class Neo4jRecommendationJobStore:
    """Keeps the ``RecommendationJobStore`` port."""

    def __init__(self, connection: Neo4jConnection, nodes: NodeSession) -> None:
        self._connection = connection
        self._nodes = nodes

    async def create_job(self, job_id: str, service_ids: Sequence[str], options: Mapping[str, str]) -> None:
        """Record a job; an id that is known stays as it is."""
        pending = list(dict.fromkeys(service_ids))
        status = JobStatus.QUEUED if pending else JobStatus.SUCCEEDED
        async with self._nodes.writing():
            if await RecommendationJobNode.nodes.get_or_none(job_id=job_id) is None:
                await RecommendationJobNode(
                    job_id=job_id,
                    status=status.value,
                    total=len(pending),
                    failed=0,
                    pending=pending,
                    options=orjson.dumps(dict(options)).decode(),
                ).save()

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

    async def _node(self, job_id: str) -> RecommendationJobNode | None:
        async with self._nodes.reading():
            node: RecommendationJobNode | None = await RecommendationJobNode.nodes.get_or_none(job_id=job_id)
        return node
