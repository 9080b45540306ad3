"""What is recorded of a drift event that was looked at again and told of it, the same from every store."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.governance.hash_chain import ChainHead, chained
from sloengine.domain.governance.model import AuditAction, AuditEvent


def drift_entry(event: DriftEvent, *, actor: str, rationale: str, now: datetime, head: ChainHead) -> AuditEvent:
    """Its audit entry, behind this head."""
    entry = AuditEvent(
        audit_id=str(uuid4()),
        sequence=0,
        action=AuditAction.DRIFT_TRIGGERED,
        actor=actor,
        service_id=event.service_id,
        sli_type=event.sli_type,
        at=now,
        hash="",
        previous_hash="",
        recommendation_id=event.recommendation_id,
        rationale=rationale,
    )
    return chained(entry, head)


def confirmed_event(event: DriftEvent, entry: AuditEvent, now: datetime) -> OutboxEvent:
    """What is told: ids of the event, of its audit entry and of the recommendation that it led to, if any."""
    ids = {"drift": event.event_id, "auditEvent": entry.audit_id, "recommendation": event.recommendation_id}
    payload = {name: value for name, value in ids.items() if value is not None}
    return OutboxEvent(str(uuid4()), "DriftConfirmed", event.service_id, now, payload)
