"""Make a recommended tier the active SLO of its service."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.governance.deciding import Deciding
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.ports.slo_ledger import Decision
from sloengine.domain.governance.decisions import (
    check_rationale,
    require_undecided,
    slo_targets,
    targets_of_tier,
    warnings_about,
)
from sloengine.domain.governance.model import Actor, AuditAction, Slo, SloSource
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, TierName


@dataclass(frozen=True, slots=True)
class AcceptRecommendationCommand:
    """``recommendation_id`` is the stored id, not the API's global one."""

    recommendation_id: str
    tier: TierName
    rationale: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptRecommendation:
    """sre_admin; service_owner for own teams."""

    deciding: Deciding

    async def __call__(self, command: AcceptRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises ``RecommendationNotFound``, ``Forbidden``, ``NotActive``, ``Conflict``.

        ``IdempotencyMismatch`` when the key was used with another body.
        """
        rationale = check_rationale(command.rationale)
        recommendation, seen = await self.deciding.on_recommendation(command.recommendation_id, actor)
        targets = targets_of_tier(recommendation, command.tier)
        slo = self.deciding.slo(recommendation, slo_targets(targets), SloSource.ACCEPTED, actor)

        def accept(current: Recommendation | None, _active: Slo | None) -> Decision:
            require_undecided(recommendation, current, slo.activated_at)
            return Decision(
                AuditAction.ACCEPT, slo.service_id, slo.sli_type, slo, RecommendationStatus.ACCEPTED, rationale
            )

        recorded = await self.deciding.record(
            service_id=slo.service_id,
            sli_type=slo.sli_type,
            recommendation_id=command.recommendation_id,
            actor=actor,
            mutation="acceptRecommendation",
            idempotency_key=command.idempotency_key,
            asked={"recommendationId": command.recommendation_id, "tier": command.tier, "rationale": rationale},
            choose=accept,
            seen=seen,
            targets=slo.targets,
        )
        return DecisionOutcome(
            slo=recorded.slo,
            recommendation=recorded.recommendation,
            previous=recorded.audit_event.previous,
            delta=recorded.audit_event.delta,
            probability_met=min(target.probability_met for target in targets),
            audit_event=recorded.audit_event,
            warnings=(
                *warnings_about(slo.targets, recommendation, [t.probability_met for t in targets], None),
                *recorded.warnings,
            ),
        )
