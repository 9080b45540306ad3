"""Set an SLO by hand, audited like the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.governance.deciding import Deciding
from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.application.ports.slo_ledger import Decision
from sloengine.application.recommendation.judge_targets import JudgeTargets
from sloengine.domain.governance.decisions import check_targets, require_rationale, warnings_about
from sloengine.domain.governance.model import Actor, AuditAction, Slo, SloTarget
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class SetSloCommand:
    """The numbers, and why."""

    service_id: str
    sli_type: SliType
    targets: Sequence[SloTarget]
    rationale: str
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SetSlo:
    """sre_admin; service_owner for own teams. The bound warned about is the newest recommendation's, if any."""

    deciding: Deciding
    judge: JudgeTargets

    async def __call__(self, command: SetSloCommand, *, actor: Actor) -> DecisionOutcome:
        """Raises ``ServiceNotFound``, ``Forbidden``, ``Invalid``, ``RationaleRequired``."""
        rationale = require_rationale(command.rationale)
        targets = check_targets(command.sli_type, command.targets)
        await self.deciding.check_actor(command.service_id, actor, path=("input", "serviceId"))
        # Before the decision: what cannot be read then keeps it from being taken, not from being answered.
        newest = (await self.deciding.store.newest([command.service_id], command.sli_type)).get(command.service_id)
        basis = newest if isinstance(newest, Recommendation) and newest.window is command.window else None
        slo = self.deciding.manual_slo(command.service_id, command.sli_type, command.window, targets, actor)

        def put(_current: Recommendation | None, _active: Slo | None) -> Decision:
            return Decision(AuditAction.SET, slo.service_id, slo.sli_type, slo, None, rationale)

        recorded = await self.deciding.record(
            service_id=command.service_id,
            sli_type=command.sli_type,
            recommendation_id=None,
            actor=actor,
            mutation="setSlo",
            idempotency_key=command.idempotency_key,
            asked={
                "serviceId": command.service_id,
                "sliType": command.sli_type,
                "window": command.window,
                "targets": targets,
                "rationale": rationale,
            },
            choose=put,
            targets=targets,
        )
        judged = await self.judge.after_decision(command.service_id, command.window, targets)
        known = [probability for probability in judged.probabilities if probability is not None]
        return DecisionOutcome(
            slo=recorded.slo,
            recommendation=basis,
            previous=recorded.audit_event.previous,
            delta=recorded.audit_event.delta,
            probability_met=min(known) if len(known) == len(targets) else None,
            audit_event=recorded.audit_event,
            warnings=(
                *warnings_about(targets, basis, judged.probabilities, None, judged.why_unknown),
                *recorded.warnings,
            ),
        )
