"""Drift as JSON in the shape of the GraphQL types."""

from __future__ import annotations

from datetime import timedelta

from sloengine.cli.shapes import Json, global_id, percent, recommendation_reference, service_reference, time
from sloengine.domain.drift.alarm import DriftEvent, TargetMove
from sloengine.domain.drift.model import Change, start_of
from sloengine.domain.drift.together import SharedCause
from sloengine.domain.recommendation.model import ObjectiveKind


def drift_event_shape(event: DriftEvent, cause: SharedCause | None) -> Json:
    """A ``DriftEvent``, with what it has in common with others."""
    return {
        "id": global_id("DriftEvent", event.event_id),
        "service": service_reference(event.service_id),
        "sliType": event.sli_type.value,
        "kind": event.kind.value,
        "detectedAt": time(event.detected_at),
        "startedAt": time(event.started_at),
        "lastAlarmAt": time(event.last_alarm_at),
        "alarms": event.alarms,
        "votes": [vote.value for vote in event.votes],
        "before": _level(event.kind, event.before),
        "after": _level(event.kind, event.after),
        "reevaluatedAt": time(event.reevaluated_at),
        "reevaluated": recommendation_reference(event.recommendation_id),
        "targets": [_move(move) for move in event.targets],
        "sharedCause": None if cause is None else _cause(cause),
    }


def _cause(cause: SharedCause) -> Json:
    return {
        "startedAt": time(cause.started_at),
        "eventCount": len(cause.event_ids),
        "serviceCount": len(cause.service_ids),
        "origin": None if cause.origin is None else service_reference(cause.origin),
        "services": [service_reference(key) for key in cause.service_ids[:50]],
    }


def change_shape(change: Change) -> Json:
    """A change of a series that belongs to no service: the fields of a ``DriftEvent`` that there are."""
    return {
        "detectedAt": time(start_of(change.detected_hour) + timedelta(hours=1)),
        "startedAt": time(start_of(change.started_hour)),
        "votes": [vote.value for vote in change.votes],
        "before": change.before,
        "after": change.after,
    }


def _move(move: TargetMove) -> Json:
    return {
        "tier": move.tier.value,
        "kind": move.kind.value,
        "before": _level(move.kind, move.before),
        "after": _level(move.kind, move.after),
    }


def _level(kind: ObjectiveKind, level: float | None) -> float | None:
    return percent(level) if kind is ObjectiveKind.AVAILABILITY else level
