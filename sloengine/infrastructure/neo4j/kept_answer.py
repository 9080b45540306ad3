"""What a keyed request for recommendations was answered: references and what may have changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    RecommendationUnavailable,
)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """Recommendations stay on record, so only their ids and statuses are kept."""

    statuses: Mapping[str, RecommendationStatus]
    unavailable: Sequence[RecommendationUnavailable]
    is_stale: bool

    @classmethod
    def of(cls, results: Sequence[RecommendationResult], *, is_stale: bool) -> KeptAnswer:
        """Recommendations in here are on record, or are about to be."""
        return cls(
            {
                one.recommendation_id: one.status
                for one in results
                if isinstance(one, Recommendation) and one.recommendation_id is not None
            },
            [one for one in results if isinstance(one, RecommendationUnavailable)],
            is_stale,
        )

    @property
    def recommendation_ids(self) -> list[str]:
        """In the order of the answer."""
        return list(self.statuses)

    def results(self, stored: Mapping[str, Recommendation]) -> list[RecommendationResult]:
        """The answer as it was. ``stored``: the recommendations by id, as they stand."""
        return [
            *(
                replace(stored[key], status=status, is_stale=self.is_stale)
                for key, status in self.statuses.items()
            ),
            *self.unavailable,
        ]
