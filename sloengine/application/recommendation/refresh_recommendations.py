"""Keep recommendations fresh without anybody asking."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.recommendation_store import RecommendationStore
from sloengine.application.recommendation.recommendation_job import (
    WORKER,
    RecommendationJob,
    StartRecommendationJob,
    StartRecommendationJobCommand,
)


@dataclass(frozen=True, slots=True)
class RefreshRecommendations:
    """Starts a job for every service, or for those whose past has just been read in; safe to run twice.

    Targets that still hold stay as they are: a refresh renews what stands behind them.
    """

    store: RecommendationStore
    start: StartRecommendationJob
    clock: Clock

    async def __call__(self, *, new_only: bool) -> RecommendationJob | None:
        """The job; None: there is nobody to answer. Raises ``Unavailable``."""
        service_ids = await self.store.to_answer() if new_only else None
        if service_ids is not None and not service_ids:
            return None
        once_a_day = None if new_only else f"refresh-{self.clock.now():%Y-%m-%d}"
        command = StartRecommendationJobCommand(service_ids=service_ids, idempotency_key=once_a_day)
        return await self.start(command, actor=WORKER)
