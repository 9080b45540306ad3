"""Turn a recommendation down, with a reason; the active SLO stays."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.governance.deciding import Deciding
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.ports.slo_ledger import Decision
from sloengine.domain.governance.decisions import require_rationale, require_undecided
from sloengine.domain.governance.model import Actor, AuditAction, Slo
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus


@dataclass(frozen=True, slots=True)
class RejectRecommendationCommand:
    """Which one, and why."""

    recommendation_id: str
    rationale: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RejectRecommendation:
    """sre_admin; service_owner for own teams."""

    deciding: Deciding

    async def __call__(self, command: RejectRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises as accepting does, and ``RationaleRequired``."""
        rationale = require_rationale(command.rationale)
        recommendation, seen = await self.deciding.on_recommendation(command.recommendation_id, actor)
        now = self.deciding.clock.now()

        def reject(current: Recommendation | None, _active: Slo | None) -> Decision:
            require_undecided(recommendation, current, now)
            return Decision(
                AuditAction.REJECT,
                recommendation.service_id,
                recommendation.sli_type,
                None,
                RecommendationStatus.REJECTED,
                rationale,
            )

        recorded = await self.deciding.record(
            service_id=recommendation.service_id,
            sli_type=recommendation.sli_type,
            recommendation_id=command.recommendation_id,
            actor=actor,
            mutation="rejectRecommendation",
            idempotency_key=command.idempotency_key,
            asked={"recommendationId": command.recommendation_id, "rationale": rationale},
            choose=reject,
            seen=seen,
        )
        return DecisionOutcome(
            slo=recorded.slo,
            recommendation=recorded.recommendation,
            previous=recorded.audit_event.previous,
            delta=(),
            probability_met=None,
            audit_event=recorded.audit_event,
        )
