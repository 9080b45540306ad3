"""Read recommendations. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.recommendation.recommendation_job import RecommendationJob
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    SliType,
)


@dataclass(frozen=True, slots=True)
class ReadRecommendations:
    """The newest from the cache, else from the store; the rest from the store."""

    async def newest(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """The newest answer per service whatever its status, ``is_stale`` as of now.

        A service never asked for has ``RecommendationUnavailable``.
        """
        raise NotImplementedError

    async def by_id(self, recommendation_ids: Sequence[str]) -> Mapping[str, Recommendation]:
        """These recommendations; unknown ids are absent."""
        raise NotImplementedError

    async def page(
        self,
        service_id: str,
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Page[Recommendation]:
        """A service's recommendations, newest first."""
        raise NotImplementedError

    async def pages(
        self,
        service_ids: Sequence[str],
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Mapping[str, Page[Recommendation]]:
        """The same page of each of these services' recommendations, newest first, in one query."""
        raise NotImplementedError

    async def job(self, job_ids: Sequence[str]) -> Mapping[str, RecommendationJob]:
        """These jobs; unknown ids are absent."""
        raise NotImplementedError
