"""Deciding: accept, modify, reject, set. Each in one transaction with its audit entry."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow, ObjectiveKind, SliType
from sloengine.api.governance.types import AuditEvent, Slo, SloSnapshot, TargetDelta
from sloengine.api.inputs import IDEMPOTENCY, given, given_or, stored_id
from sloengine.api.problems import UserError, or_user_errors
from sloengine.api.recommendation.enums import TierName
from sloengine.api.recommendation.types import Recommendation
from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.governance.modify_recommendation import ModifyRecommendationCommand
from sloengine.application.governance.reject_recommendation import RejectRecommendationCommand
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.domain.errors import Invalid
from sloengine.domain.governance import model
from sloengine.domain.recommendation.model import Recommendation as DomainRecommendation
from sloengine.domain.reliability.percent import ratio_from_percent


@strawberry.input(
    description="One number to promise: availabilityPercent for AVAILABILITY, thresholdMs for latency."
)
class TargetInput:
    """A target."""

    kind: ObjectiveKind = strawberry.field(description="The number that is promised.")
    availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="In percent, above 0 and below 100."
    )
    threshold_ms: float | None = strawberry.field(
        default=strawberry.UNSET, description="In milliseconds, above 0."
    )

    def to_domain(self, *path: str) -> model.SloTarget:
        """The target with exactly the number that its kind needs; its range is the domain's business."""
        percent, threshold_ms = given(self.availability_percent), given(self.threshold_ms)
        if self.kind is ObjectiveKind.AVAILABILITY:
            if percent is None or threshold_ms is not None:
                raise Invalid(
                    "AVAILABILITY needs availabilityPercent and nothing else", path=(*path, "availabilityPercent")
                )
            return model.SloTarget(self.kind, availability_ratio=ratio_from_percent(percent))
        if threshold_ms is None or percent is not None:
            raise Invalid(f"{self.kind.value} needs thresholdMs and nothing else", path=(*path, "thresholdMs"))
        return model.SloTarget(self.kind, threshold_ms=threshold_ms)


@strawberry.input(description="Make a recommended tier the active SLO.")
class AcceptRecommendationInput:
    """Which, and why."""

    recommendation_id: strawberry.ID = strawberry.field(description="`id` of an ACTIVE Recommendation.")
    tier: TierName = strawberry.field(description="The tier to promise.")
    rationale: str | None = strawberry.field(default=strawberry.UNSET, description="Why, in your words.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)


@strawberry.input(description="Make other numbers than the recommended ones the active SLO.")
class ModifyRecommendationInput:
    """Which, to what, and why."""

    recommendation_id: strawberry.ID = strawberry.field(description="`id` of an ACTIVE Recommendation.")
    tier: TierName = strawberry.field(description="The tier that your numbers depart from.")
    targets: list[TargetInput] = strawberry.field(description="What to promise instead.")
    rationale: str = strawberry.field(description="Why, in your words; needed.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)


@strawberry.input(description="Turn a recommendation down; the active SLO stays.")
class RejectRecommendationInput:
    """Which, and why."""

    recommendation_id: strawberry.ID = strawberry.field(description="`id` of an ACTIVE Recommendation.")
    rationale: str = strawberry.field(description="Why, in your words; needed.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)


@strawberry.input(description="Set an SLO by hand.")
class SetSloInput:
    """For what, to what, and why."""

    service_id: str = strawberry.field(description="The service that promises.")
    sli_type: SliType = strawberry.field(description="What it promises.")
    window: ComplianceWindow | None = strawberry.field(
        default=ComplianceWindow.ROLLING_28D, description="The period it is judged over."
    )
    targets: list[TargetInput] = strawberry.field(
        description="One for availability; p95, p99 or both for latency."
    )
    rationale: str = strawberry.field(description="Why, in your words; needed.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)


@strawberry.type(description="What a decision came to.")
class SloDecisionPayload:
    """The SLO, and how it differs."""

    slo: Slo | None = strawberry.field(description="The active SLO afterwards; null: there is none.", default=None)
    decided_on: strawberry.Private[DomainRecommendation | None] = None
    previous: SloSnapshot | None = strawberry.field(
        description="The SLO that was active before; null: none was.", default=None
    )
    delta: list[TargetDelta] = strawberry.field(
        description="From the previous SLO to the new one; of a modification from the recommended target.",
        default_factory=list,
    )
    probability_met: float | None = strawberry.field(
        description="Probability, 0 to 1, that the chosen number is met over the next window; of several that of "
        "the one that is least likely to be, and all of them together are met no more often. null: not known; "
        "where it could not be worked out in time, warnings say so.",
        default=None,
    )
    audit_event: AuditEvent | None = strawberry.field(description="The entry in the audit trail.", default=None)
    warnings: list[str] = strawberry.field(description="What you should know, in words.", default_factory=list)
    user_errors: list[UserError] = strawberry.field(description="Why nothing was decided.", default_factory=list)

    @strawberry.field(description="The recommendation as it stands now; null: none was decided on.")
    def recommendation(self) -> Recommendation | None:
        """With its replay it is large, and few ask for it."""
        return None if self.decided_on is None else Recommendation.from_domain(self.decided_on)

    @classmethod
    def from_domain(cls, outcome: DecisionOutcome) -> SloDecisionPayload:
        """The outcome as clients read it."""
        return cls(
            slo=None if outcome.slo is None else Slo.from_domain(outcome.slo),
            decided_on=outcome.recommendation,
            previous=SloSnapshot.from_domain(outcome.previous),
            delta=[TargetDelta.from_domain(delta) for delta in outcome.delta],
            probability_met=outcome.probability_met,
            audit_event=AuditEvent.from_domain(outcome.audit_event),
            warnings=list(outcome.warnings),
        )


@strawberry.type
class GovernanceMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(description="Make a recommended tier the active SLO of its service.")
    async def accept_recommendation(
        self,
        info: Info,
        input: Annotated[AcceptRecommendationInput, strawberry.argument(description="The decision.")],  # noqa: A002
    ) -> SloDecisionPayload:
        """One transaction."""

        async def work() -> DecisionOutcome:
            command = AcceptRecommendationCommand(
                recommendation_id=_recommendation_id(input.recommendation_id),
                tier=input.tier,
                rationale=given(input.rationale),
                idempotency_key=given(input.idempotency_key),
            )
            return await info.context.use_cases.accept_recommendation(command, actor=info.context.actor)

        return await _decided(work())

    @strawberry.mutation(
        description="Make other numbers than the recommended ones the active SLO; says how likely they hold."
    )
    async def modify_recommendation(
        self,
        info: Info,
        input: Annotated[ModifyRecommendationInput, strawberry.argument(description="The decision.")],  # noqa: A002
    ) -> SloDecisionPayload:
        """One transaction."""

        async def work() -> DecisionOutcome:
            command = ModifyRecommendationCommand(
                recommendation_id=_recommendation_id(input.recommendation_id),
                tier=input.tier,
                targets=_targets(input.targets),
                rationale=input.rationale,
                idempotency_key=given(input.idempotency_key),
            )
            return await info.context.use_cases.modify_recommendation(command, actor=info.context.actor)

        return await _decided(work())

    @strawberry.mutation(description="Turn a recommendation down; the active SLO stays.")
    async def reject_recommendation(
        self,
        info: Info,
        input: Annotated[RejectRecommendationInput, strawberry.argument(description="The decision.")],  # noqa: A002
    ) -> SloDecisionPayload:
        """One transaction."""

        async def work() -> DecisionOutcome:
            command = RejectRecommendationCommand(
                recommendation_id=_recommendation_id(input.recommendation_id),
                rationale=input.rationale,
                idempotency_key=given(input.idempotency_key),
            )
            return await info.context.use_cases.reject_recommendation(command, actor=info.context.actor)

        return await _decided(work())

    @strawberry.mutation(description="Set an SLO by hand, audited like the rest.")
    async def set_slo(
        self,
        info: Info,
        input: Annotated[SetSloInput, strawberry.argument(description="The SLO.")],  # noqa: A002
    ) -> SloDecisionPayload:
        """One transaction."""

        async def work() -> DecisionOutcome:
            command = SetSloCommand(
                service_id=input.service_id,
                sli_type=input.sli_type,
                targets=_targets(input.targets),
                rationale=input.rationale,
                window=given_or(input.window, ComplianceWindow.ROLLING_28D),
                idempotency_key=given(input.idempotency_key),
            )
            return await info.context.use_cases.set_slo(command, actor=info.context.actor)

        return await _decided(work())


async def _decided(work: Awaitable[DecisionOutcome]) -> SloDecisionPayload:
    async def payload() -> SloDecisionPayload:
        return SloDecisionPayload.from_domain(await work)

    return await or_user_errors(payload(), SloDecisionPayload)


def _recommendation_id(global_id: str) -> str:
    return stored_id(global_id, "Recommendation", "input", "recommendationId")


def _targets(targets: Sequence[TargetInput]) -> list[model.SloTarget]:
    return [target.to_domain("input", "targets", str(position)) for position, target in enumerate(targets)]
