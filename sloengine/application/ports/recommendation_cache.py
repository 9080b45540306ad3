"""Recommendations for a day, so that reading one costs no graph query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sloengine.domain.recommendation.model import RecommendationResult, SliType


class RecommendationCache(Protocol):
    """Never the only copy; when it is away, readers go to the store. Entries live 24 h."""

    async def get(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """Hits only."""
        ...

    async def put(self, results: Sequence[RecommendationResult]) -> None:
        """Store these."""
        ...

    async def invalidate(self, service_ids: Sequence[str] | None) -> None:
        """Drop these services' entries, or (None) all."""
        ...
