"""Recommend for many services in the background, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus


@dataclass(frozen=True, slots=True)
class RecommendationJob:
    """Progress: services done (failed ones among them) of all."""

    job_id: str
    status: JobStatus
    total: int
    done: int
    failed: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StartRecommendationJobCommand:
    """``service_ids`` None: every service of the graph."""

    service_ids: Sequence[str] | None = None
    sli_types: Sequence[SliType] = (SliType.AVAILABILITY, SliType.LATENCY)
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    force: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class StartRecommendationJob:
    """Record the job, then enqueue its first batch."""

    async def __call__(self, command: StartRecommendationJobCommand, *, actor: Actor) -> RecommendationJob:
        """The queued job. Raises ``ServiceNotFound``, ``Forbidden``."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ContinueRecommendationJob:
    """One batch, then the next is enqueued; run by the worker, safe to run twice."""

    async def __call__(self, job_id: str) -> RecommendationJob:
        """The job as it stands after this batch."""
        raise NotImplementedError
