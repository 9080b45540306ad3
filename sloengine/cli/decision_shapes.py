"""SLOs, decisions and the audit trail as JSON in the shape of the GraphQL types."""

from __future__ import annotations

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.cli.recommendation_shapes import recommendation_shape
from sloengine.cli.shapes import Json, global_id, percent, recommendation_reference, service_reference, time
from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, Slo, SloSnapshot, SloTarget, TargetDelta
from sloengine.domain.recommendation.model import ObjectiveKind


def slo_target_shape(target: SloTarget) -> Json:
    """``SloTarget``."""
    return {
        "kind": target.kind,
        "availabilityPercent": percent(target.availability_ratio),
        "thresholdMs": target.threshold_ms,
    }


def snapshot_shape(snapshot: SloSnapshot | None) -> Json | None:
    """``SloSnapshot``."""
    if snapshot is None:
        return None
    return {
        "targets": [slo_target_shape(target) for target in snapshot.targets],
        "window": snapshot.window,
        "source": snapshot.source,
    }


def slo_shape(slo: Slo) -> Json:
    """``Slo``."""
    return {
        "id": global_id("Slo", slo.slo_id),
        "service": service_reference(slo.service_id),
        "sliType": slo.sli_type,
        "window": slo.window,
        "targets": [slo_target_shape(target) for target in slo.targets],
        "source": slo.source,
        "activatedAt": time(slo.activated_at),
        "activatedBy": slo.activated_by,
        "reviewAt": time(slo.review_at),
        "recommendation": recommendation_reference(slo.recommendation_id),
    }


def delta_shape(delta: TargetDelta) -> Json:
    """``TargetDelta``: percent for availability, milliseconds for latency."""
    in_percent = delta.kind is ObjectiveKind.AVAILABILITY
    return {
        "kind": delta.kind,
        "from": percent(delta.before) if in_percent else delta.before,
        "to": percent(delta.after) if in_percent else delta.after,
    }


def audit_shape(event: AuditEvent) -> Json:
    """``AuditEvent``."""
    return {
        "id": global_id("AuditEvent", event.audit_id),
        "sequence": event.sequence,
        "action": event.action,
        "actor": event.actor,
        "service": service_reference(event.service_id),
        "recommendation": recommendation_reference(event.recommendation_id),
        "previous": snapshot_shape(event.previous),
        "new": snapshot_shape(event.new),
        "delta": [delta_shape(delta) for delta in event.delta],
        "rationale": event.rationale,
        "at": time(event.at),
        "hash": event.hash,
        "previousHash": event.previous_hash,
    }


def integrity_shape(integrity: AuditIntegrity) -> Json:
    """``AuditIntegrity``."""
    return {
        "intact": integrity.intact,
        "checked": integrity.checked,
        "firstBrokenSequence": integrity.first_broken_sequence,
        "headHash": integrity.head_hash,
    }


def outcome_shape(outcome: DecisionOutcome) -> Json:
    """``SloDecisionPayload``; its errors are none, because those end the command with exit code 2."""
    decided = outcome.recommendation
    return {
        "slo": None if outcome.slo is None else slo_shape(outcome.slo),
        "recommendation": None if decided is None else recommendation_shape(decided),
        "previous": snapshot_shape(outcome.previous),
        "delta": [delta_shape(delta) for delta in outcome.delta],
        "probabilityMet": outcome.probability_met,
        "auditEvent": audit_shape(outcome.audit_event),
        "warnings": list(outcome.warnings),
        "userErrors": [],
    }
