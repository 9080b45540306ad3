"""Having recommendations computed."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow, SliType
from sloengine.api.inputs import IDEMPOTENCY, given, given_or
from sloengine.api.problems import UserError, or_user_errors
from sloengine.api.recommendation.types import RecommendationJob, RecommendationResult, result_from_domain
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.recommendation.recommendation_job import StartRecommendationJobCommand
from sloengine.domain.errors import Invalid

MAX_IN_PLACE = 20
BOTH = (SliType.AVAILABILITY, SliType.LATENCY)


@strawberry.input(description="Up to 20 services are answered in place; more, or all, by a job in the background.")
class GenerateRecommendationsInput:
    """Which services, and how."""

    service_ids: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description="Service ids; every service of the graph when left out."
    )
    sli_types: list[SliType] | None = strawberry.field(default=strawberry.UNSET, description="Both when left out.")
    window: ComplianceWindow | None = strawberry.field(
        default=ComplianceWindow.ROLLING_28D, description="The window that probabilities speak of."
    )
    force: bool = strawberry.field(
        default=False, description="Compute again even where the present answer still holds."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=IDEMPOTENCY,
    )


@strawberry.type(description="Up to 20 services: answered in place. More: a job.")
class GenerateRecommendationsPayload:
    """Results or a job."""

    results: list[RecommendationResult] = strawberry.field(
        description="One per service and SLI type, services in the order asked for; empty when a job works on it.",
        default_factory=list,
    )
    job: RecommendationJob | None = strawberry.field(
        description="Ask again by `node(id:)` until it is SUCCEEDED or FAILED; null: answered in place.",
        default=None,
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was computed.", default_factory=list)


@strawberry.type
class RecommendationMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(
        description="Compute recommendations from the latest telemetry and the graph as it is now."
    )
    async def generate_recommendations(
        self,
        info: Info,
        input: Annotated[GenerateRecommendationsInput, strawberry.argument(description="Which, and how.")],  # noqa: A002
    ) -> GenerateRecommendationsPayload:
        """In place, or a job."""

        async def work() -> GenerateRecommendationsPayload:
            use_cases, actor = info.context.use_cases, info.context.actor
            service_ids = given(input.service_ids)
            sli_types = given_or(input.sli_types, list(BOTH))
            window = given_or(input.window, ComplianceWindow.ROLLING_28D)
            for name, values in (("serviceIds", service_ids), ("sliTypes", sli_types)):
                if values is not None and not values:
                    raise Invalid(f"{name} is empty; leave it out for all", path=("input", name))
            if service_ids is not None and len(service_ids) <= MAX_IN_PLACE:
                results = await use_cases.recommend(
                    RecommendCommand(
                        service_ids=list(dict.fromkeys(service_ids)),
                        sli_types=list(dict.fromkeys(sli_types)),
                        window=window,
                        force=input.force,
                        idempotency_key=given(input.idempotency_key),
                    ),
                    actor=actor,
                )
                return GenerateRecommendationsPayload(results=[result_from_domain(result) for result in results])
            job = await use_cases.start_recommendation_job(
                StartRecommendationJobCommand(
                    service_ids=None if service_ids is None else list(dict.fromkeys(service_ids)),
                    sli_types=list(dict.fromkeys(sli_types)),
                    window=window,
                    force=input.force,
                    idempotency_key=given(input.idempotency_key),
                ),
                actor=actor,
            )
            return GenerateRecommendationsPayload(job=RecommendationJob.from_domain(job))

        return await or_user_errors(work(), GenerateRecommendationsPayload)
