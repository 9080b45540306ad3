"""The event that tells of a new circular-dependency alert, the same from every store."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.topology.ingestion import CircularDependencyAlert

CIRCULAR_DEPENDENCY_DETECTED = "CircularDependencyDetected"


def detected_event(alert: CircularDependencyAlert, now: datetime) -> OutboxEvent:
    """Of no one service, because a cycle has no first; the alert's id leads to its members, which may be many."""
    return OutboxEvent(str(uuid4()), CIRCULAR_DEPENDENCY_DETECTED, None, now, {"alert": alert.alert_id})
