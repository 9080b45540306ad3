"""Recommend for many services in the background, batch by batch."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.recommendation_store import RecommendationJobStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.recommendation.recommend import Recommend, RecommendCommand
from sloengine.application.topology.ingest_dependencies import check_idempotency_key
from sloengine.domain.errors import NotFound, ServiceNotFound
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus

BATCH_SIZE = 100
LANES = 4
"""A job's services are divided among so many chains of batches, which different worker processes work on."""
_ALL = 1_000_000
WORKER = Actor("worker:recommendation", Role.SRE_ADMIN)
"""A job was allowed when it was started; its batches run as the worker."""


@dataclass(frozen=True, slots=True)
class RecommendationJob:
    """Progress: services done (failed ones among them) of all."""

    job_id: str
    status: JobStatus
    total: int
    done: int
    failed: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StartRecommendationJobCommand:
    """``service_ids`` None: every service of the graph."""

    service_ids: Sequence[str] | None = None
    sli_types: Sequence[SliType] = (SliType.AVAILABILITY, SliType.LATENCY)
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    force: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class StartRecommendationJob:
    """Record the job, then enqueue its first batch."""

    graph: ServiceGraph
    jobs: RecommendationJobStore
    queue: JobQueue

    async def __call__(self, command: StartRecommendationJobCommand, *, actor: Actor) -> RecommendationJob:
        """The queued job. Raises ``ServiceNotFound``, ``Forbidden``, ``Unavailable``.

        The id follows from actor and idempotency key, so the same key gives the same job; asking again with it
        mends a job whose message the queue did not take.
        """
        require_editor(actor, "generate recommendations")
        check_idempotency_key(command.idempotency_key)
        if command.service_ids is None:
            services = list((await self.graph.snapshot()).services)
        else:
            known = await self.graph.services(command.service_ids)
            for position, service_id in enumerate(command.service_ids):
                if service_id not in known:
                    raise ServiceNotFound(
                        f"no service {service_id!r}", path=("input", "serviceIds", str(position))
                    )
            services = [known[service_id] for service_id in command.service_ids]
        require_decider(actor, services, path=("input", "serviceIds"))
        job_id = _job_id(actor, command.idempotency_key)
        earlier = await read_job(self.jobs, job_id)
        if earlier is not None:
            if earlier.status is JobStatus.QUEUED:
                await self._enqueue(job_id)
            return earlier
        options = {
            "sli_types": ",".join(command.sli_types),
            "window": command.window.value,
            "force": "true" if command.force else "",
        }
        await self.jobs.create_job(job_id, [service.service_id for service in services], options)
        await self._enqueue(job_id)
        return RecommendationJob(job_id, JobStatus.QUEUED, len({s.service_id for s in services}), 0, 0)

    async def _enqueue(self, job_id: str) -> None:
        for lane in range(LANES):
            await self.queue.enqueue("recommendation.continue_job", job_id=job_id, lane=str(lane))


@dataclass(frozen=True, slots=True)
class ContinueRecommendationJob:
    """One batch of one lane, then the next is enqueued; run by the worker, safe to run twice."""

    jobs: RecommendationJobStore
    recommend: Recommend
    queue: JobQueue
    batch_size: int = BATCH_SIZE

    async def __call__(self, job_id: str, lane: str) -> RecommendationJob:
        """The job as it stands after this batch. Raises ``NotFound``."""
        job = await read_job(self.jobs, job_id)
        if job is None:
            raise NotFound(f"no job {job_id!r}")
        if job.status in (JobStatus.SUCCEEDED, JobStatus.FAILED):
            return job
        waiting, options = await self.jobs.next_batch(job_id, _ALL)
        mine = [service_id for service_id in waiting if _lane_of(service_id) == lane]
        service_ids = mine[: self.batch_size]
        if service_ids:
            results = await self.recommend.many(
                RecommendCommand(
                    service_ids,
                    tuple(SliType(name) for name in options["sli_types"].split(",")),
                    ComplianceWindow(options["window"]),
                    force=bool(options["force"]),
                )
            )
            unanswered = set(service_ids) - {result.service_id for result in results}
            await self.jobs.mark_done(job_id, service_ids, failed=len(unanswered))
        job = await read_job(self.jobs, job_id)
        if job is None:
            raise NotFound(f"no job {job_id!r}")
        if len(mine) > len(service_ids):
            await self.queue.enqueue("recommendation.continue_job", job_id=job_id, lane=lane)
        return job


async def read_job(jobs: RecommendationJobStore, job_id: str) -> RecommendationJob | None:
    """The job as it stands."""
    row = await jobs.job(job_id)
    return None if row is None else RecommendationJob(job_id, *row)


def _lane_of(service_id: str) -> str:
    return str(zlib.crc32(service_id.encode()) % LANES)


def _job_id(actor: Actor, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return str(uuid4())
    return hashlib.sha256(f"{actor.subject}\0{idempotency_key}".encode()).hexdigest()[:32]
