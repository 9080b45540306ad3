"""Recommendations and bulk jobs in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.recommendation_store import Answering
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    SliType,
)
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.memory.database import Job, MemoryDatabase
from sloengine.infrastructure.memory.idempotency import earlier_answer, keep
from sloengine.infrastructure.memory.paging import cut
from sloengine.infrastructure.told_events import generated_event


class MemoryRecommendationStore:
    """Keeps the ``RecommendationStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def save(
        self, results: Sequence[RecommendationResult], *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Give ids, supersede the earlier ones; one that is stored already stays."""
        stored: list[RecommendationResult] = []
        known = {key for key, _, _ in self._db.results}
        for result in results:
            key = (result.recommendation_id if isinstance(result, Recommendation) else None) or str(uuid4())
            if key in known:
                stored.append(result)
                continue
            self._supersede(result.service_id, result.sli_type)
            kept = replace(result, recommendation_id=key) if isinstance(result, Recommendation) else result
            self._db.results.append((key, now, kept))
            stored.append(kept)
            if isinstance(kept, Recommendation):
                event = generated_event(key, kept.service_id, now)
                self._db.outbox[event.event_id] = event
        return stored

    async def save_once(
        self, results: Sequence[RecommendationResult], answering: Answering, *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Save and keep the answer."""
        earlier = await self.answered(answering.request, now=now)
        if earlier is not None:
            return earlier
        answer = [
            replace(one, is_stale=answering.is_stale) if isinstance(one, Recommendation) else one
            for one in (*answering.known, *await self.save(results, now=now))
        ]
        keep(self._db, answering.request, answer, now)
        return answer

    async def answered(self, request: KeyedRequest, *, now: datetime) -> Sequence[RecommendationResult] | None:
        """What the first use of the key got."""
        return earlier_answer(self._db, request, now)

    def _supersede(self, service_id: str, sli_type: SliType) -> None:
        for position, (key, at, result) in enumerate(self._db.results):
            if (
                isinstance(result, Recommendation)
                and (result.service_id, result.sli_type) == (service_id, sli_type)
                and result.status is RecommendationStatus.ACTIVE
            ):
                self._db.results[position] = (key, at, replace(result, status=RecommendationStatus.SUPERSEDED))

    async def newest(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """The newest answer per service."""
        wanted = set(service_ids)
        return {
            result.service_id: result
            for _, _, result in self._db.results
            if result.sli_type is sli_type and result.service_id in wanted
        }

    async def by_id(self, recommendation_ids: Sequence[str]) -> Mapping[str, Recommendation]:
        """These recommendations."""
        wanted = set(recommendation_ids)
        return {
            key: result
            for key, _, result in self._db.results
            if key in wanted and isinstance(result, Recommendation)
        }

    async def page(
        self,
        service_id: str,
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Page[Recommendation]:
        """Newest first."""
        positions = {key: position for position, (key, _, _) in enumerate(self._db.results)}
        rows = [
            result
            for _, _, result in self._db.results
            if isinstance(result, Recommendation)
            and result.service_id == service_id
            and (sli_type is None or result.sli_type is sli_type)
            and (status is None or result.status is status)
        ]
        return cut(rows, lambda row: (-positions[row.recommendation_id or ""],), page)

    async def pages(
        self,
        service_ids: Sequence[str],
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Mapping[str, Page[Recommendation]]:
        """The same page of each."""
        return {key: await self.page(key, sli_type, status, page) for key in service_ids}

    async def to_answer(self) -> Sequence[str]:
        """Services whose past came after their newest answer."""
        answered = {result.service_id: at for _, at, result in self._db.results}
        asked = self._db.past_asked_at
        return sorted(one for one, at in asked.items() if one not in answered or answered[one] < at)

    async def expire(self, *, now: datetime) -> Sequence[str]:
        """Active ones past their end."""
        ended: list[str] = []
        for position, (key, at, result) in enumerate(self._db.results):
            if (
                isinstance(result, Recommendation)
                and result.status is RecommendationStatus.ACTIVE
                and result.expires_at <= now
            ):
                self._db.results[position] = (key, at, replace(result, status=RecommendationStatus.EXPIRED))
                ended.append(result.service_id)
        return sorted(set(ended))


class MemoryRecommendationJobStore:
    """Keeps the ``RecommendationJobStore`` port."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def create_job(
        self,
        job_id: str,
        service_ids: Sequence[str],
        options: Mapping[str, str],
        *,
        request: KeyedRequest | None = None,
    ) -> str:
        """Record a job; an id that is known stays as it is."""
        now = self._clock.now()
        earlier: str | None = None if request is None else earlier_answer(self._db, request, now)
        if earlier is not None:
            return earlier
        if request is not None:
            keep(self._db, request, job_id, now)
        self._db.jobs.setdefault(job_id, Job(tuple(dict.fromkeys(service_ids)), dict(options), now))
        return job_id

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Jobs that are not done and were not touched since; they are kept in the order they came in."""
        return [
            job_id
            for job_id, job in self._db.jobs.items()
            if len(job.done) < len(job.service_ids) and job.touched_at < older_than
        ]

    async def next_batch(self, job_id: str, size: int) -> tuple[Sequence[str], Mapping[str, str]]:
        """Services still to do."""
        job = self._db.jobs.get(job_id)
        if job is None:
            return [], {}
        return [s for s in job.service_ids if s not in job.done][:size], job.options

    async def mark_done(self, job_id: str, service_ids: Sequence[str], *, failed: int) -> None:
        """Progress."""
        job = self._db.jobs.get(job_id)
        if job is None:
            return
        new = set(service_ids) - job.done
        if new:
            job.failed += failed
        job.done |= new
        job.touched_at = self._clock.now()

    async def job(self, job_id: str) -> tuple[JobStatus, int, int, int, str | None] | None:
        """Status, total, done, failed, error."""
        job = self._db.jobs.get(job_id)
        if job is None:
            return None
        total, done = len(job.service_ids), len(job.done)
        status = JobStatus.SUCCEEDED if done >= total else JobStatus.RUNNING if done else JobStatus.QUEUED
        return status, total, done, job.failed, None

    async def forget(self, *, done_before: datetime) -> int:
        """Drop finished jobs."""
        old = [
            job_id
            for job_id, job in self._db.jobs.items()
            if len(job.done) >= len(job.service_ids) and job.touched_at < done_before
        ]
        for job_id in old:
            del self._db.jobs[job_id]
        return len(old)
