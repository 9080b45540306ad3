"""Recommend for many services in the background, batch by batch."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import keyed_request
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.recommendation_store import RecommendationJobStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.recommendation.recommend import Recommend
from sloengine.application.recommendation.recommend_command import MUTATION, RecommendCommand, request_body
from sloengine.domain.errors import NotFound, ServiceNotFound, Unavailable
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus

BATCH_SIZE = 100
LANES = 4
"""A job's services are divided among so many chains of batches, which different worker processes work on."""
LANE_LOCK_SECONDS = 30.0
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
    clock: Clock

    async def __call__(self, command: StartRecommendationJobCommand, *, actor: Actor) -> RecommendationJob:
        """The queued job; the same idempotency key gives the same one, as it stands by then.

        A broker that is away does not refuse it: the sweep sends its messages later. Raises ``ServiceNotFound``,
        ``Forbidden``, ``IdempotencyMismatch``, ``Unavailable``.
        """
        require_editor(actor, "generate recommendations")
        request = keyed_request(
            actor.subject,
            MUTATION,
            command.idempotency_key,
            request_body(command.service_ids, command.sli_types, command.window, force=command.force),
        )
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
        new_id = str(uuid4())
        options = {
            "sli_types": ",".join(command.sli_types),
            "window": command.window.value,
            "force": "true" if command.force else "",
            "asked_at": self.clock.now().isoformat(),
        }
        service_ids = [service.service_id for service in services]
        job_id = await self.jobs.create_job(new_id, service_ids, options, request=request)
        if job_id == new_id:
            with suppress(Unavailable):
                await enqueue_lanes(self.queue, job_id)
        job = await read_job(self.jobs, job_id)
        if job is None:
            raise NotFound(f"no job {job_id!r}")
        return job


@dataclass(frozen=True, slots=True)
class ContinueRecommendationJob:
    """One batch of one lane, then the next is enqueued; run by the worker, safe to run twice.

    One at a time in each lane: a message that comes while another is worked on has nothing to do, because that
    one enqueues the next, and the sweep is there for a worker that dies before it does.
    """

    jobs: RecommendationJobStore
    recommend: Recommend
    queue: JobQueue
    locks: Locks
    batch_size: int = BATCH_SIZE

    async def __call__(self, job_id: str, lane: str) -> RecommendationJob:
        """The job as it stands after this batch. Raises ``NotFound``, ``Unavailable``."""
        async with self.locks.hold(f"recommendation-job:{job_id}:{lane}", ttl_seconds=LANE_LOCK_SECONDS) as got:
            job = await self._job(job_id)
            if not got or job.status in (JobStatus.SUCCEEDED, JobStatus.FAILED):
                return job
            is_more = await self._work(job_id, lane)
        if is_more:
            await self.queue.enqueue("recommendation.continue_job", job_id=job_id, lane=lane)
        return await self._job(job_id)

    async def _work(self, job_id: str, lane: str) -> bool:
        """Do a batch; whether the lane has more."""
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
                    # What a run that was cut off has stored for this job is not computed once more.
                    since=datetime.fromisoformat(options["asked_at"]),
                )
            )
            unanswered = set(service_ids) - {result.service_id for result in results}
            await self.jobs.mark_done(job_id, service_ids, failed=len(unanswered))
        return len(mine) > len(service_ids)

    async def _job(self, job_id: str) -> RecommendationJob:
        job = await read_job(self.jobs, job_id)
        if job is None:
            raise NotFound(f"no job {job_id!r}")
        return job


@dataclass(frozen=True, slots=True)
class ResumeRecommendationJobs:
    """Sweep for jobs whose messages were lost: enqueue again what has not moved for a while."""

    jobs: RecommendationJobStore
    queue: JobQueue
    clock: Clock
    patience: timedelta = timedelta(seconds=60)

    async def __call__(self) -> Sequence[str]:
        """Ids of the jobs enqueued again, oldest first. Raises ``Unavailable`` when the queue is away."""
        waiting = await self.jobs.unfinished(older_than=self.clock.now() - self.patience)
        for job_id in waiting:
            await enqueue_lanes(self.queue, job_id)
        return waiting


async def enqueue_lanes(queue: JobQueue, job_id: str) -> None:
    """A message for each lane of the job."""
    for lane in range(LANES):
        await queue.enqueue("recommendation.continue_job", job_id=job_id, lane=str(lane))


async def read_job(jobs: RecommendationJobStore, job_id: str) -> RecommendationJob | None:
    """The job as it stands."""
    row = await jobs.job(job_id)
    return None if row is None else RecommendationJob(job_id, *row)


def _lane_of(service_id: str) -> str:
    return str(zlib.crc32(service_id.encode()) % LANES)
