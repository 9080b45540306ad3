"""Recommendations on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    SliType,
)
from sloengine.domain.topology.ingestion import JobStatus


@dataclass(frozen=True, slots=True)
class Answering:
    """A keyed request, and what its answer holds besides the results that are saved with it.

    ``known``: results on record already. ``is_stale``: what the answer says of every recommendation in it.
    """

    request: KeyedRequest
    known: Sequence[RecommendationResult]
    is_stale: bool


class RecommendationStore(Protocol):
    """Keeps every recommendation; at most one is ACTIVE per service and SLI type."""

    async def save(
        self, results: Sequence[RecommendationResult], *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Store a batch: ids are given where there are none, the earlier ACTIVE ones become SUPERSEDED.

        Each result with what it supersedes is stored whole or not at all. A large batch is stored portion by
        portion, in its order: after ``Unavailable`` the first ones may be on record and the others not. A
        recommendation whose id is on record already is left as it stands, so that saving the same again doubles
        nothing. A ``RecommendationUnavailable`` is stored as the current answer and supersedes as well.
        """
        ...

    async def save_once(
        self, results: Sequence[RecommendationResult], answering: Answering, *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """As ``save``, all of them and the answer in one transaction; results and known ones are given back.

        When the request was answered in the meantime, that answer is given and nothing is stored. Raises
        ``IdempotencyMismatch``.
        """
        ...

    async def answered(self, request: KeyedRequest, *, now: datetime) -> Sequence[RecommendationResult] | None:
        """What this request got when it came first, as it was then; None: it is new.

        Raises ``IdempotencyMismatch``.
        """
        ...

    async def newest(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """The newest answer per service whatever its status; services never asked for are absent."""
        ...

    async def by_id(self, recommendation_ids: Sequence[str]) -> Mapping[str, Recommendation]:
        """These recommendations; unknown ids are absent."""
        ...

    async def page(
        self,
        service_id: str,
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Page[Recommendation]:
        """Newest first."""
        ...

    async def pages(
        self,
        service_ids: Sequence[str],
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Mapping[str, Page[Recommendation]]:
        """The same page of each of these services, newest first; one query for all, every service has an entry."""
        ...

    async def to_answer(self) -> Sequence[str]:
        """Services whose past was read in after their newest answer, or that have none yet."""
        ...

    async def expire(self, *, now: datetime) -> Sequence[str]:
        """Turn ACTIVE ones past ``expires_at`` into EXPIRED; the ids of their services."""
        ...


class RecommendationJobStore(Protocol):
    """Bulk recommendation in the background."""

    async def create_job(
        self,
        job_id: str,
        service_ids: Sequence[str],
        options: Mapping[str, str],
        *,
        request: KeyedRequest | None = None,
    ) -> str:
        """Record a job of these services; an id that is known stays as it is.

        The id of the job in force: when the request was answered before, the one that it got then. Raises
        ``IdempotencyMismatch``.
        """
        ...

    async def unfinished(self, *, older_than: datetime) -> Sequence[str]:
        """Ids of QUEUED or RUNNING jobs whose last progress is before this; oldest first."""
        ...

    async def next_batch(self, job_id: str, size: int) -> tuple[Sequence[str], Mapping[str, str]]:
        """Services still to do (not marked done), and the job's options."""
        ...

    async def mark_done(self, job_id: str, service_ids: Sequence[str], *, failed: int) -> None:
        """Progress; doing it twice for a service counts once."""
        ...

    async def job(self, job_id: str) -> tuple[JobStatus, int, int, int, str | None] | None:
        """Status, total, done, failed, error."""
        ...

    async def forget(self, *, done_before: datetime) -> int:
        """Drop jobs whose last progress, which finished them, is before this; how many. Unfinished ones stay."""
        ...
