"""Recommendations as clients read them, and the fields of a service that lead to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import relay

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow, JobStatus, SliType
from sloengine.api.inputs import given, page_request
from sloengine.api.recommendation.bound import CompositeBound
from sloengine.api.recommendation.enums import RecommendationStatus, UnavailableReason
from sloengine.api.recommendation.explanation import Explanation, Provenance
from sloengine.api.recommendation.targets import Tier
from sloengine.api.topology.references import service_link
from sloengine.application.recommendation import recommendation_job
from sloengine.domain.recommendation import model


@strawberry.type(description="What the recommendation had to go on.")
class DataQuality:
    """Quality of the data."""

    days_of_history: float = strawberry.field(
        description="Days that were seen: hours with data over 24; a day in one row counts whole."
    )
    completeness: float = strawberry.field(
        description="Share of the time since the first data that was seen, 0 to 1; a day in one row counts whole."
    )
    sample_count: float = strawberry.field(description="Valid requests.")
    cold_start: bool = strawberry.field(description="Less than 30 days of history: similar services speak too.")
    archetype: str | None = strawberry.field(description="The kind of service it was compared with; null: none.")
    archetype_weight: float | None = strawberry.field(
        description="Share of the estimate of how often it fails that comes from that kind, 0 to 1; the rest is "
        "its own past and, where kinds are told apart, all other services'."
    )
    warnings: list[str] = strawberry.field(description="What is wrong with the data, in words.")


@strawberry.type(
    description="Three tiers for one service and SLI type, what limits them and what they rest on. "
    "Expires after 14 days."
)
class Recommendation(relay.Node):
    """A recommendation."""

    recommendation_id: strawberry.Private[str]
    service_id: strawberry.Private[str]
    service = service_link("service_id", "The service it is for.")
    sli_type: SliType = strawberry.field(description="What is promised.")
    status: RecommendationStatus = strawberry.field(description="Only an ACTIVE one can be decided on.")
    window: ComplianceWindow = strawberry.field(description="The window that the probabilities speak of.")
    tiers: list[Tier] = strawberry.field(description="Conservative, balanced, aggressive, in this order.")
    bound: CompositeBound | None = strawberry.field(
        description="What the dependencies allow; null for latency and where there are none."
    )
    explanation: Explanation | None = strawberry.field(
        description="Why the target is what it is. null: no explanation was computed for this recommendation."
    )
    provenance: Provenance = strawberry.field(description="Where the numbers come from.")
    data_quality: DataQuality = strawberry.field(description="What it had to go on.")
    confidence: float = strawberry.field(
        description="0 to 1; 0.3 at most where similar services had to speak alone."
    )
    summary: str = strawberry.field(description="The recommendation in plain words.")
    is_stale: bool = strawberry.field(
        description="The newest aggregated hour is older than 3 h, or the last pull of telemetry failed."
    )
    graph_version: int | None = strawberry.field(description="Version of the graph it was computed on.")
    engine_version: str = strawberry.field(description="Version of the engine that computed it.")
    generated_at: datetime = strawberry.field(description="When it was computed.")
    expires_at: datetime = strawberry.field(description="When it expires undecided.")
    review_at: datetime | None = strawberry.field(description="When to look again, set for young services.")

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.recommendation_id

    @classmethod
    def from_domain(cls, recommendation: model.Recommendation) -> Recommendation:
        """The recommendation as clients read it."""
        quality = recommendation.data_quality
        provenance = Provenance.from_domain(recommendation.provenance, recommendation.engine_version)
        explanation = recommendation.explanation
        return cls(
            recommendation_id=recommendation.recommendation_id or "",
            service_id=recommendation.service_id,
            sli_type=recommendation.sli_type,
            status=recommendation.status,
            window=recommendation.window,
            tiers=[Tier.from_domain(tier) for tier in recommendation.tiers],
            bound=None if recommendation.bound is None else CompositeBound.from_domain(recommendation.bound),
            explanation=None if explanation is None else Explanation.from_domain(explanation, provenance),
            provenance=provenance,
            data_quality=DataQuality(
                days_of_history=quality.days_of_history,
                completeness=quality.completeness,
                sample_count=quality.sample_count,
                cold_start=quality.cold_start,
                archetype=quality.archetype,
                archetype_weight=quality.archetype_weight,
                warnings=list(quality.warnings),
            ),
            confidence=recommendation.confidence,
            summary=recommendation.summary,
            is_stale=recommendation.is_stale,
            graph_version=recommendation.graph_version,
            engine_version=recommendation.engine_version,
            generated_at=recommendation.generated_at,
            expires_at=recommendation.expires_at,
            review_at=recommendation.review_at,
        )


@strawberry.type(description="Why there is no recommendation. Never a made-up number in its place.")
class RecommendationUnavailable:
    """The reason."""

    service_id: str = strawberry.field(description="The service.")
    sli_type: SliType = strawberry.field(description="What would have been promised.")
    reason: UnavailableReason = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="In words, with what to do next.")
    since: datetime | None = strawberry.field(description="Since when that is so; null: not known.")

    @classmethod
    def from_domain(cls, result: model.RecommendationUnavailable) -> RecommendationUnavailable:
        """The reason as clients read it."""
        return cls(
            service_id=result.service_id,
            sli_type=result.sli_type,
            reason=result.reason,
            message=result.message,
            since=result.since,
        )


RecommendationResult = Annotated[
    Recommendation | RecommendationUnavailable,
    strawberry.union("RecommendationResult", description="A recommendation, or why there is none."),
]


def result_from_domain(result: model.RecommendationResult) -> Recommendation | RecommendationUnavailable:
    """Either of the two as clients read it."""
    if isinstance(result, model.Recommendation):
        return Recommendation.from_domain(result)
    return RecommendationUnavailable.from_domain(result)


@strawberry.type(
    description="Recommendations for many services, computed in the background. Ask again by `node(id:)`."
)
class RecommendationJob(relay.Node):
    """Progress of a bulk recommendation."""

    job_id: strawberry.Private[str]
    status: JobStatus = strawberry.field(description="Where it stands.")
    total: int = strawberry.field(description="Services in all.")
    done: int = strawberry.field(description="Services worked on, failed ones among them.")
    failed: int = strawberry.field(description="Services that could not be worked on.")
    error: str | None = strawberry.field(description="Why the job was given up; null: it was not.")

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.job_id

    @classmethod
    def from_domain(cls, job: recommendation_job.RecommendationJob) -> RecommendationJob:
        """The job as clients read it."""
        return cls(
            job_id=job.job_id,
            status=job.status,
            total=job.total,
            done=job.done,
            failed=job.failed,
            error=job.error,
        )


@strawberry.type
class ServiceRecommendations:
    """What was recommended: fields of ``Service``."""

    service_id: str

    @strawberry.field(description="The newest answer whatever its status, or why there is none. Cached for 24 h.")
    async def recommendation(
        self,
        info: Info,
        sli_type: Annotated[SliType, strawberry.argument(description="What is promised.")],
    ) -> RecommendationResult:
        """From the cache, else from the store."""
        result = await info.context.recommendation.newest_by_service.load((self.service_id, sli_type))
        if result is None:
            raise LookupError(f"no answer for {self.service_id!r}: the use case promises one for every service")
        return result_from_domain(result)

    @strawberry.field(description="All recommendations on record, newest first.")
    async def recommendations(
        self,
        info: Info,
        sli_type: Annotated[
            SliType | None, strawberry.argument(description="Only of this type.")
        ] = strawberry.UNSET,
        status: Annotated[
            RecommendationStatus | None, strawberry.argument(description="Only with this status.")
        ] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[Recommendation]:
        """One page."""
        request = page_request(first, after, default=20)
        page = await info.context.recommendation.page_by_service.load(
            (self.service_id, (given(sli_type), given(status), request))
        )
        return Connection.of(page, request, Recommendation.from_domain)
