"""Recommendations end 14 days after they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationStore


@dataclass(frozen=True, slots=True)
class ExpireRecommendations:
    """Run hourly; safe to run twice."""

    store: RecommendationStore
    cache: RecommendationCache
    clock: Clock

    async def __call__(self) -> Sequence[str]:
        """The services whose recommendation expired."""
        expired = await self.store.expire(now=self.clock.now())
        if expired:
            await self.cache.invalidate(expired)
        return expired
