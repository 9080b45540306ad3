"""Read recommendations. Every role may."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationJobStore, RecommendationStore
from sloengine.application.recommendation.recommendation_job import RecommendationJob, read_job
from sloengine.application.telemetry.freshness import Freshness
from sloengine.domain.recommendation.lifecycle import status_at
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    RecommendationUnavailable,
    SliType,
    UnavailableReason,
)


@dataclass(frozen=True, slots=True)
class ReadRecommendations:
    """The newest from the cache, else from the store; the rest from the store."""

    store: RecommendationStore
    jobs: RecommendationJobStore
    cache: RecommendationCache
    freshness: Freshness
    clock: Clock

    async def newest(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """The newest answer per service whatever its status, ``is_stale`` as of now.

        A service never asked for has ``RecommendationUnavailable``.
        """
        found = dict(await self.cache.get(service_ids, sli_type))
        missing = [service_id for service_id in service_ids if service_id not in found]
        if missing:
            stored = await self.store.newest(missing, sli_type)
            await self.cache.put(list(stored.values()))
            found.update(stored)
        is_stale = await self.freshness.is_stale()
        return {
            service_id: self._as_of_now(found[service_id], is_stale=is_stale)
            if service_id in found
            else never_asked(service_id, sli_type)
            for service_id in service_ids
        }

    async def by_id(self, recommendation_ids: Sequence[str]) -> Mapping[str, Recommendation]:
        """These recommendations; unknown ids are absent."""
        found = await self.store.by_id(recommendation_ids)
        return {key: replace(value, status=status_at(value, self.clock.now())) for key, value in found.items()}

    async def page(
        self,
        service_id: str,
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Page[Recommendation]:
        """A service's recommendations, newest first."""
        return await self.store.page(service_id, sli_type, status, page)

    async def pages(
        self,
        service_ids: Sequence[str],
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Mapping[str, Page[Recommendation]]:
        """The same page of each of these services' recommendations, newest first, in one query."""
        return await self.store.pages(service_ids, sli_type, status, page)

    async def job(self, job_ids: Sequence[str]) -> Mapping[str, RecommendationJob]:
        """These jobs; unknown ids are absent."""
        found = await asyncio.gather(*(read_job(self.jobs, job_id) for job_id in job_ids))
        return {job.job_id: job for job in found if job is not None}

    def _as_of_now(self, result: RecommendationResult, *, is_stale: bool) -> RecommendationResult:
        if isinstance(result, RecommendationUnavailable):
            return result
        return replace(result, is_stale=is_stale or result.is_stale, status=status_at(result, self.clock.now()))


def never_asked(service_id: str, sli_type: SliType) -> RecommendationUnavailable:
    """The answer for a service that nothing was computed for yet."""
    return RecommendationUnavailable(
        service_id,
        sli_type,
        UnavailableReason.NO_DATA,
        "nothing was recommended yet: run generateRecommendations (or `sloengine recommend`) for it",
    )
