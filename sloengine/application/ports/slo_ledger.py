"""Active SLOs and the audit trail: each decision is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.governance.model import AuditAction, AuditEvent, AuditIntegrity, Slo
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, SliType
from sloengine.domain.topology.service import Service

DECIDED = (RecommendationStatus.ACCEPTED, RecommendationStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the domain decided, given the recommendation and the SLO as they stand inside the transaction.

    ``slo`` None leaves the active SLO as it is (reject). ``recommendation_status`` None: none is touched.
    ``warnings``: of others that it touches. ``callers_at_risk`` None: nobody's objective is known to break.
    ``is_open``: whose objective it breaks has still to be looked at; noted with it, for ``Outbox.to_tell``.
    """

    action: AuditAction
    service_id: str
    sli_type: SliType
    slo: Slo | None
    recommendation_status: RecommendationStatus | None
    rationale: str | None
    warnings: tuple[str, ...] = ()
    callers_at_risk: CallersAtRisk | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class CallersAtRisk:
    """Callers whose active objective cannot survive a decision: an event for their teams, in its transaction.

    ``service_ids``: the worst of them, worst first. ``count``: how many there are.
    """

    service_ids: tuple[str, ...]
    teams: tuple[str, ...]
    count: int

    KIND: ClassVar[str] = "CallersAtRisk"

    def payload(self, audit_id: str) -> dict[str, Any]:
        """Of the outbox event."""
        return {
            "auditEvent": audit_id,
            "callers": list(self.service_ids),
            "teams": list(self.teams),
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written. ``replayed``: the same idempotency key had been used, nothing was written again.

    ``warnings``: what the decision was told of others; the same again where it is replayed.
    """

    audit_event: AuditEvent
    slo: Slo | None
    previous: Slo | None
    recommendation: Recommendation | None
    replayed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecidedSince:
    """``sequence``: number of the newest entry, 0: there is none. ``active``: SLOs of those services, if any."""

    sequence: int
    service_ids: tuple[str, ...] = ()
    active: Mapping[str, Slo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None: not asked."""

    service_id: str | None = None
    actor: str | None = None
    actions: tuple[AuditAction, ...] | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision is about, as somebody saw it. ``service`` None: the graph does not know it."""

    recommendation: Recommendation | None
    slo: Slo | None
    service: Service | None = None

    def was_decided_since(self, status: RecommendationStatus | None, slo_id: str | None) -> bool:
        """Whether somebody decided after this was seen, given how it stands now.

        A recommendation that was superseded or has expired meanwhile is nobody's decision.
        """
        seen = None if self.recommendation is None else self.recommendation.status
        seen_slo_id = None if self.slo is None else self.slo.slo_id
        return slo_id != seen_slo_id or (status is not seen and status in DECIDED)


class SloLedger(Protocol):
    """Decisions. Two at once: one wins, the other gets ``Conflict``."""

    async def standing(self, recommendation_id: str) -> Standing | None:
        """All that a decision on this recommendation is about, seen at once and nothing committed missed.

        None: there is no such recommendation.
        """
        ...

    async def decide(
        self,
        *,
        service_id: str,
        sli_type: SliType,
        recommendation_id: str | None,
        actor: str,
        request: KeyedRequest | None,
        now: datetime,
        choose: Callable[[Recommendation | None, Slo | None], Decision],
        seen: Standing | None = None,
    ) -> Recorded:
        """Read, let ``choose`` decide (it may raise domain errors), write SLO, status, audit entry and outbox
        event in one transaction with the audit head locked.

        ``request``: the same one under the same key gets the first answer again; None: it came without a key.
        ``seen``: what the decider looked at, from ``standing``; None: it is looked at now. Who finds, with the
        lock held, that somebody else decided since then, gets ``Conflict``.
        """
        ...

    async def active(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Slo]:
        """Active SLOs; services without one are absent."""
        ...

    async def sequence(self) -> int:
        """Number of the newest entry of the trail, 0: there is none. It moves with every decision."""
        ...

    async def decided_since(self, sequence: int, limit: int, sli_type: SliType) -> DecidedSince:
        """What the first ``limit`` entries after ``sequence`` decided on, and how that stands for one SLI type."""
        ...

    async def slos_by_id(self, slo_ids: Sequence[str]) -> Mapping[str, Slo]:
        """These SLOs."""
        ...

    async def audit(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEvent]:
        """Newest first."""
        ...

    async def audit_pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[AuditEvent]]:
        """The same page of each of these services' entries, newest first; one query, every service has one."""
        ...

    async def audit_by_id(self, audit_ids: Sequence[str]) -> Mapping[str, AuditEvent]:
        """These entries."""
        ...

    async def verify(self) -> AuditIntegrity:
        """Walk the chain in order, recomputing each hash; also notices a missing tail (head stored apart)."""
        ...
