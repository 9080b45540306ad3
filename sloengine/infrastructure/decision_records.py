"""What is recorded of a decision and told of it, the same from every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.slo_ledger import Decision, Recorded, Standing
from sloengine.domain.governance.decisions import target_deltas
from sloengine.domain.governance.hash_chain import ChainHead, chained
from sloengine.domain.governance.model import AuditEvent


def recorded(
    decision: Decision,
    stands: Standing,
    *,
    actor: str,
    recommendation_id: str | None,
    now: datetime,
    head: ChainHead,
) -> Recorded:
    """The decision as it is to be written, its audit entry behind this head. ``stands``: what it was made on."""
    before = None if stands.slo is None else stands.slo.snapshot()
    after = before if decision.slo is None else decision.slo.snapshot()
    entry = AuditEvent(
        audit_id=str(uuid4()),
        sequence=0,
        action=decision.action,
        actor=actor,
        service_id=decision.service_id,
        sli_type=decision.sli_type,
        at=now,
        hash="",
        previous_hash="",
        recommendation_id=recommendation_id,
        previous=before,
        new=after,
        delta=()
        if decision.slo is None
        else target_deltas(before.targets if before else (), decision.slo.targets),
        rationale=decision.rationale,
    )
    recommendation = stands.recommendation
    if recommendation is not None and decision.recommendation_status is not None:
        recommendation = replace(recommendation, status=decision.recommendation_status)
    active = decision.slo or stands.slo
    return Recorded(chained(entry, head), active, stands.slo, recommendation, warnings=decision.warnings)


def decision_events(
    decision: Decision, entry: AuditEvent, recommendation_id: str | None, now: datetime
) -> tuple[OutboxEvent, ...]:
    """What is told of a decision: that it was made, then whose objective it breaks, if anybody's."""
    ids = {
        "auditEvent": entry.audit_id,
        "recommendation": recommendation_id,
        "slo": None if decision.slo is None else decision.slo.slo_id,
    }
    made = OutboxEvent(
        event_id=str(uuid4()),
        kind="SloChanged" if decision.slo is not None else "RecommendationRejected",
        service_id=decision.service_id,
        at=now,
        payload={name: value for name, value in ids.items() if value is not None},
    )
    risk = decision.callers_at_risk
    if risk is None:
        return (made,)
    return made, OutboxEvent(str(uuid4()), risk.KIND, decision.service_id, now, risk.payload(entry.audit_id))
