"""Jobs that are done are of interest for a while; what they recommended is on record by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.recommendation_store import RecommendationJobStore


@dataclass(frozen=True, slots=True)
class ForgetRecommendationJobs:
    """Run daily; safe to run twice. ``kept_for``: longer than idempotency keys, whose answer is a job."""

    jobs: RecommendationJobStore
    clock: Clock
    kept_for: timedelta = timedelta(days=30)

    async def __call__(self) -> int:
        """Number of jobs forgotten. Unfinished ones stay: they are taken up again."""
        return await self.jobs.forget(done_before=self.clock.now() - self.kept_for)
