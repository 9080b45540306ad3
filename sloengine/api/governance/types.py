"""SLOs, decisions and the audit trail as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import relay

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow, ObjectiveKind, SliType
from sloengine.api.governance.enums import AuditAction, SloSource
from sloengine.api.inputs import page_request
from sloengine.api.topology.references import service_link
from sloengine.domain.governance import model
from sloengine.domain.governance.authorization import may_decide_on
from sloengine.domain.reliability import budget_state
from sloengine.domain.reliability.percent import percent_from_ratio

if TYPE_CHECKING:
    from sloengine.api.recommendation.types import Recommendation

LazyRecommendation = Annotated["Recommendation", strawberry.lazy("sloengine.api.recommendation.types")]


async def linked_recommendation(info: Info, recommendation_id: str | None) -> Recommendation | None:
    """The recommendation, loaded with all others of the request."""
    from sloengine.api.recommendation.types import Recommendation  # noqa: PLC0415  (types lead to each other)

    if recommendation_id is None:
        return None
    found = await info.context.recommendation.recommendation_by_id.load(recommendation_id)
    return None if found is None else Recommendation.from_domain(found)


@strawberry.type(description="One promised number; exactly one of the two is set.")
class SloTarget:
    """A target of an SLO."""

    kind: ObjectiveKind = strawberry.field(description="The number that is promised.")
    availability_percent: float | None = strawberry.field(description="In percent, below 100; null for latency.")
    threshold_ms: float | None = strawberry.field(description="In milliseconds; null for availability.")

    @classmethod
    def from_domain(cls, target: model.SloTarget) -> SloTarget:
        """The target as clients read it."""
        ratio = target.availability_ratio
        return cls(
            kind=target.kind,
            availability_percent=None if ratio is None else percent_from_ratio(ratio),
            threshold_ms=target.threshold_ms,
        )


@strawberry.type(description="An SLO as it stood when something was decided.")
class SloSnapshot:
    """A snapshot in the audit trail."""

    targets: list[SloTarget] = strawberry.field(description="Its numbers.")
    window: ComplianceWindow = strawberry.field(description="The period it was judged over.")
    source: SloSource = strawberry.field(description="How it had come to be.")

    @classmethod
    def from_domain(cls, snapshot: model.SloSnapshot | None) -> SloSnapshot | None:
        """The snapshot as clients read it."""
        if snapshot is None:
            return None
        targets = [SloTarget.from_domain(target) for target in snapshot.targets]
        return cls(targets=targets, window=snapshot.window, source=snapshot.source)


@strawberry.type(description="How fast the error budget is being spent.")
class BurnRate:
    """A burn rate."""

    window: str = strawberry.field(description="Look-back: 1h, 6h, 1d or 3d.")
    rate: float = strawberry.field(description="1.0 spends the budget in exactly one compliance window.")


@strawberry.type(description="What is left of an SLO's error budget, counted from stored events.")
class BudgetState:
    """An error budget."""

    consumed_ratio: float = strawberry.field(description="Share of the budget that is spent; above 1: overspent.")
    remaining_ratio: float = strawberry.field(description="1 − consumedRatio; negative when overspent.")
    burn_rates: list[BurnRate] = strawberry.field(
        description="Shortest look-back first; without those that no request, or only coarser data, is known of."
    )
    as_of: datetime = strawberry.field(description="End of the newest data; for latency of the last whole day.")

    @classmethod
    def from_domain(cls, state: budget_state.BudgetState) -> BudgetState:
        """The budget as clients read it."""
        return cls(
            consumed_ratio=state.consumed_ratio,
            remaining_ratio=state.remaining_ratio,
            burn_rates=[BurnRate(window=burn.window, rate=burn.rate) for burn in state.burn_rates],
            as_of=state.as_of,
        )


@strawberry.type(description="The one active SLO of a service and SLI type.")
class Slo(relay.Node):
    """An SLO."""

    domain: strawberry.Private[model.Slo]
    slo_id: strawberry.Private[str]
    service_id: strawberry.Private[str]
    recommendation_id: strawberry.Private[str | None]
    service = service_link("service_id", "The service that promises.")
    sli_type: SliType = strawberry.field(description="What is promised.")
    window: ComplianceWindow = strawberry.field(description="The period it is judged over.")
    targets: list[SloTarget] = strawberry.field(description="One for availability; up to two for latency.")
    source: SloSource = strawberry.field(description="How it came to be.")
    activated_at: datetime = strawberry.field(description="Since when it holds.")
    activated_by: str = strawberry.field(description="Who decided.")
    review_at: datetime | None = strawberry.field(description="When to look again; null: no date was set.")

    @strawberry.field(description="The recommendation it came from; null: it was set by hand.")
    async def recommendation(self, info: Info) -> LazyRecommendation | None:
        """Loaded with all others."""
        return await linked_recommendation(info, self.recommendation_id)

    @strawberry.field(
        description="The error budget of the current window; null: nothing was counted in it, or the "
        "latency target is no bucket bound, so that slower requests cannot be counted."
    )
    async def budget(self, info: Info) -> BudgetState | None:
        """Loaded with all others."""
        state = await info.context.telemetry.budget_by_slo.load(self.domain)
        return None if state is None else BudgetState.from_domain(state)

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.slo_id

    @classmethod
    def from_domain(cls, slo: model.Slo) -> Slo:
        """The SLO as clients read it."""
        return cls(
            domain=slo,
            slo_id=slo.slo_id,
            service_id=slo.service_id,
            recommendation_id=slo.recommendation_id,
            sli_type=slo.sli_type,
            window=slo.window,
            targets=[SloTarget.from_domain(target) for target in slo.targets],
            source=slo.source,
            activated_at=slo.activated_at,
            activated_by=slo.activated_by,
            review_at=slo.review_at,
        )


@strawberry.type(description="A target before and after: percent for availability, milliseconds for latency.")
class TargetDelta:
    """A change of a target."""

    kind: ObjectiveKind = strawberry.field(description="The number that changed.")
    before: float | None = strawberry.field(name="from", description="As it was; null: there was none.")
    after: float | None = strawberry.field(name="to", description="As it is; null: there is none any more.")

    @classmethod
    def from_domain(cls, delta: model.TargetDelta) -> TargetDelta:
        """The change as clients read it."""
        before, after = delta.before, delta.after
        if delta.kind is ObjectiveKind.AVAILABILITY:
            before = None if before is None else percent_from_ratio(before)
            after = None if after is None else percent_from_ratio(after)
        return cls(kind=delta.kind, before=before, after=after)


@strawberry.type(
    description="One entry of the audit trail: append-only, numbered, each carrying the hash of the one before."
)
class AuditEvent(relay.Node):
    """An audit entry."""

    audit_id: strawberry.Private[str]
    service_id: strawberry.Private[str]
    recommendation_id: strawberry.Private[str | None]
    sequence: int = strawberry.field(description="Number in the trail, from 1, without gaps.")
    action: AuditAction = strawberry.field(description="What was decided.")
    actor: str = strawberry.field(description="Who decided.")
    service = service_link("service_id", "The service it is about.")
    previous: SloSnapshot | None = strawberry.field(description="The SLO before; null: there was none.")
    new: SloSnapshot | None = strawberry.field(description="The SLO after; null: none was set.")
    delta: list[TargetDelta] = strawberry.field(description="What changed, target by target.")
    rationale: str | None = strawberry.field(description="Why, in the decider's words.")
    at: datetime = strawberry.field(description="When.")
    hash: str = strawberry.field(description="SHA-256 over the entry and previousHash, hexadecimal.")
    previous_hash: str = strawberry.field(description="Hash of the entry before.")

    @strawberry.field(description="The recommendation that was decided on; null: none was.")
    async def recommendation(self, info: Info) -> LazyRecommendation | None:
        """Loaded with all others."""
        return await linked_recommendation(info, self.recommendation_id)

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.audit_id

    @classmethod
    def from_domain(cls, event: model.AuditEvent) -> AuditEvent:
        """The entry as clients read it."""
        return cls(
            audit_id=event.audit_id,
            service_id=event.service_id,
            recommendation_id=event.recommendation_id,
            sequence=event.sequence,
            action=event.action,
            actor=event.actor,
            previous=SloSnapshot.from_domain(event.previous),
            new=SloSnapshot.from_domain(event.new),
            delta=[TargetDelta.from_domain(delta) for delta in event.delta],
            rationale=event.rationale,
            at=event.at,
            hash=event.hash,
            previous_hash=event.previous_hash,
        )


@strawberry.type(description="Result of recomputing the audit trail's hash chain from its first entry.")
class AuditIntegrity:
    """Whether anybody has tampered with the trail."""

    intact: bool = strawberry.field(description="Every hash fits and no entry is missing, the last ones included.")
    checked: int = strawberry.field(description="Entries checked.")
    first_broken_sequence: int | None = strawberry.field(
        description="The first entry that does not fit; null: all do."
    )
    head_hash: str | None = strawberry.field(description="Hash of the last entry; null: the trail is empty.")


@strawberry.type(description="Who is asking.")
class Viewer:
    """The actor of this request."""

    actor: strawberry.Private[model.Actor]
    subject: str = strawberry.field(description="Stable name, as it stands in the audit trail.")
    role: str = strawberry.field(
        description="sre_admin (may do all), service_owner (decides for services of own teams), viewer (reads)."
    )
    teams: list[str] = strawberry.field(description="Own teams, sorted.")

    @strawberry.field(
        description="May I accept, modify, reject or set SLOs of this service? false for unknown services."
    )
    async def may_decide_on(
        self, info: Info, service_id: Annotated[str, strawberry.argument(description="The service.")]
    ) -> bool:
        """As the use cases would decide."""
        service = await info.context.topology.service_by_id.load(service_id)
        return service is not None and may_decide_on(self.actor, service.team)


@strawberry.type
class ServiceDecisions:
    """What was decided: fields of ``Service``."""

    service_id: str

    @strawberry.field(description="The SLO that holds now; null: none was ever set.")
    async def active_slo(
        self, info: Info, sli_type: Annotated[SliType, strawberry.argument(description="What is promised.")]
    ) -> Slo | None:
        """Loaded with all others."""
        slo = await info.context.governance.active_slo_by_service.load((self.service_id, sli_type))
        return None if slo is None else Slo.from_domain(slo)

    @strawberry.field(description="Entries of the audit trail about this service, newest first.")
    async def audit_log(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[AuditEvent]:
        """One page."""
        request = page_request(first, after, default=20)
        page = await info.context.governance.audit_page_by_service.load((self.service_id, request))
        return Connection.of(page, request, AuditEvent.from_domain)
