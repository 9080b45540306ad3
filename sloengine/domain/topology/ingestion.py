"""An ingestion: one source's batch of services and dependencies on its way into the graph."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sloengine.domain.errors import ErrorCode
from sloengine.domain.topology.dependency import DiscoverySource


class JobStatus(StrEnum):
    """Where long work stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """A row that was not taken: its position in the list it stood in, the field, and why."""

    index: int
    path: str
    code: ErrorCode
    message: str


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Progress and outcome of one ingestion. ``progress`` in [0, 1]."""

    ingestion_id: str
    source: DiscoverySource
    status: JobStatus
    progress: float = 0.0
    accepted: int = 0
    rejected: tuple[RejectedItem, ...] = ()
    warnings: tuple[str, ...] = ()
    services_created: int = 0
    edges_created: int = 0
    edges_updated: int = 0
    edges_removed: int = 0
    cycles: int = 0
    graph_version: int | None = None
    error: str | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class AlertStatus(StrEnum):
    """Life of an alert."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One line of an alert's history. ``by`` None: the engine, because the cycle changed."""

    at: datetime
    status: AlertStatus
    by: str | None
    text: str


@dataclass(frozen=True, slots=True)
class CircularDependencyAlert:
    """A cycle that somebody should look at.

    ``history``: oldest first, the newest ones where there are very many. ``revision``: how often the alert was
    changed; a store refuses a change of one that was changed meanwhile. ``acknowledged_members``: services that
    somebody has seen in a cycle that they acknowledged; those that join later are not among them.
    """

    alert_id: str
    status: AlertStatus
    cycle_path: tuple[str, ...]
    members: tuple[str, ...]
    detected_at: datetime
    supernode_id: str | None = None
    updated_by: str | None = None
    note: str | None = None
    resolved_at: datetime | None = None
    history: tuple[AlertChange, ...] = ()
    revision: int = 0
    acknowledged_members: tuple[str, ...] = ()
