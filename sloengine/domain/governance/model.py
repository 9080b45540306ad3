"""Who decides, what an SLO is, and the audit trail's entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.window import ComplianceWindow


class Role(StrEnum):
    """What an actor may do: all; decide for own teams' services; read."""

    SRE_ADMIN = "sre_admin"
    SERVICE_OWNER = "service_owner"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``subject`` is stable and printable (``apikey:development``, ``user:…``)."""

    subject: str
    role: Role
    teams: frozenset[str] = frozenset()


class SloSource(StrEnum):
    """How the SLO came to be."""

    ACCEPTED = "ACCEPTED"
    MODIFIED = "MODIFIED"
    MANUAL = "MANUAL"
    AUTO_APPROVED = "AUTO_APPROVED"


class AuditAction(StrEnum):
    """What was decided."""

    ACCEPT = "ACCEPT"
    MODIFY = "MODIFY"
    REJECT = "REJECT"
    SET = "SET"
    AUTO_APPROVE = "AUTO_APPROVE"
    EXPIRE = "EXPIRE"
    DRIFT_TRIGGERED = "DRIFT_TRIGGERED"
    NAME_DECIDED = "NAME_DECIDED"


@dataclass(frozen=True, slots=True)
class SloTarget:
    """One promised number; exactly one of the two is set."""

    kind: ObjectiveKind
    availability_ratio: float | None = None
    threshold_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SloSnapshot:
    """An SLO as it stood when something was decided."""

    targets: tuple[SloTarget, ...]
    window: ComplianceWindow
    source: SloSource


@dataclass(frozen=True, slots=True)
class Slo:
    """The one active SLO of a service and SLI type."""

    slo_id: str
    service_id: str
    sli_type: SliType
    window: ComplianceWindow
    targets: tuple[SloTarget, ...]
    source: SloSource
    activated_at: datetime
    activated_by: str
    recommendation_id: str | None = None
    review_at: datetime | None = None

    def snapshot(self) -> SloSnapshot:
        """What the audit keeps of it."""
        return SloSnapshot(self.targets, self.window, self.source)


@dataclass(frozen=True, slots=True)
class TargetDelta:
    """A target before and after, in its unit (ratio or milliseconds); None: there was none."""

    kind: ObjectiveKind
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry of the append-only, numbered, hash-chained trail. ``sli_type`` None: it is about no SLO."""

    audit_id: str
    sequence: int
    action: AuditAction
    actor: str
    service_id: str
    sli_type: SliType | None
    at: datetime
    hash: str
    previous_hash: str
    recommendation_id: str | None = None
    previous: SloSnapshot | None = None
    new: SloSnapshot | None = None
    delta: tuple[TargetDelta, ...] = ()
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class AuditIntegrity:
    """Result of walking the chain from its first entry."""

    intact: bool
    checked: int
    first_broken_sequence: int | None
    head_hash: str | None
