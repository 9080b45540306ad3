"""Recommendations on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    SliType,
)
from sloengine.domain.topology.ingestion import JobStatus


class RecommendationStore(Protocol):
    """Keeps every recommendation; at most one is ACTIVE per service and SLI type."""

    async def save(
        self, results: Sequence[RecommendationResult], *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Store a batch in one transaction: ids are given, the earlier ACTIVE ones become SUPERSEDED.

        A ``RecommendationUnavailable`` is stored as the current answer and supersedes as well.
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

    async def expire(self, *, now: datetime) -> Sequence[str]:
        """Turn ACTIVE ones past ``expires_at`` into EXPIRED; the ids of their services."""
        ...


class RecommendationJobStore(Protocol):
    """Bulk recommendation in the background."""

    async def create_job(self, job_id: str, service_ids: Sequence[str], options: Mapping[str, str]) -> None:
        """Record a job of these services."""
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
