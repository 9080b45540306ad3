"""Make other numbers than the recommended ones the active SLO, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.governance.deciding import Deciding
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.ports.slo_ledger import Decision
from sloengine.application.recommendation.judge_targets import JudgeTargets
from sloengine.domain.governance.decisions import (
    check_targets,
    require_rationale,
    require_undecided,
    slo_targets,
    target_deltas,
    targets_of_tier,
    warnings_about,
)
from sloengine.domain.governance.model import Actor, AuditAction, Slo, SloSource, SloTarget
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, TierName


@dataclass(frozen=True, slots=True)
class ModifyRecommendationCommand:
    """``tier`` is the one that the numbers depart from."""

    recommendation_id: str
    tier: TierName
    targets: Sequence[SloTarget]
    rationale: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class ModifyRecommendation:
    """sre_admin; service_owner for own teams. The outcome's delta goes from the recommended numbers to these."""

    deciding: Deciding
    judge: JudgeTargets

    async def __call__(self, command: ModifyRecommendationCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises as accepting does, ``Invalid`` for a bad number and ``RationaleRequired``."""
        rationale = require_rationale(command.rationale)
        recommendation, seen = await self.deciding.on_recommendation(command.recommendation_id, actor)
        targets = check_targets(recommendation.sli_type, command.targets)
        tier = next((tier for tier in recommendation.tiers if tier.name is command.tier), None)
        recommended = () if tier is None or not tier.targets else targets_of_tier(recommendation, command.tier)
        slo = self.deciding.slo(recommendation, targets, SloSource.MODIFIED, actor)

        def modify(current: Recommendation | None, _active: Slo | None) -> Decision:
            require_undecided(recommendation, current, slo.activated_at)
            return Decision(
                AuditAction.MODIFY, slo.service_id, slo.sli_type, slo, RecommendationStatus.ACCEPTED, rationale
            )

        recorded = await self.deciding.record(
            service_id=slo.service_id,
            sli_type=slo.sli_type,
            recommendation_id=command.recommendation_id,
            actor=actor,
            mutation="modifyRecommendation",
            idempotency_key=command.idempotency_key,
            asked={
                "recommendationId": command.recommendation_id,
                "tier": command.tier,
                "targets": targets,
                "rationale": rationale,
            },
            choose=modify,
            seen=seen,
            targets=targets,
        )
        judged = await self.judge.after_decision(slo.service_id, slo.window, targets)
        known = [probability for probability in judged.probabilities if probability is not None]
        return DecisionOutcome(
            slo=recorded.slo,
            recommendation=recorded.recommendation,
            previous=recorded.audit_event.previous,
            delta=target_deltas(slo_targets(recommended), targets),
            probability_met=min(known) if len(known) == len(targets) else None,
            audit_event=recorded.audit_event,
            warnings=(
                *warnings_about(
                    targets,
                    recommendation,
                    judged.probabilities,
                    None if tier is None else tier.nominal_probability,
                    judged.why_unknown,
                ),
                *recorded.warnings,
            ),
        )
