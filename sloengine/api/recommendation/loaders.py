"""One call for all recommendations that a request leads to."""

from __future__ import annotations

from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call, one_call_per_option
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.recommendation.read_recommendations import ReadRecommendations
from sloengine.application.recommendation.recommendation_job import RecommendationJob
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    SliType,
)

type PageOption = tuple[SliType | None, RecommendationStatus | None, PageRequest]


class RecommendationLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, recommendations: ReadRecommendations) -> None:
        self._recommendations = recommendations

    @cached_property
    def newest_by_service(self) -> DataLoader[tuple[str, SliType], RecommendationResult | None]:
        """The current answer of a service and SLI type."""
        recommendations = self._recommendations

        async def read(service_ids: list[str], sli_type: SliType) -> dict[str, RecommendationResult]:
            return dict(await recommendations.newest(service_ids, sli_type))

        return one_call_per_option(read)

    @cached_property
    def recommendation_by_id(self) -> DataLoader[str, Recommendation | None]:
        """Stored recommendations."""
        return one_call(self._recommendations.by_id)

    @cached_property
    def page_by_service(self) -> DataLoader[tuple[str, PageOption], Page[Recommendation] | None]:
        """A page of a service's recommendations."""
        recommendations = self._recommendations

        async def read(service_ids: list[str], option: PageOption) -> dict[str, Page[Recommendation]]:
            return dict(await recommendations.pages(service_ids, *option))

        return one_call_per_option(read)

    @cached_property
    def job_by_id(self) -> DataLoader[str, RecommendationJob | None]:
        """Bulk jobs."""
        return one_call(self._recommendations.job)
