"""Drift events as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

import asyncio
from datetime import datetime
from inspect import isawaitable
from typing import Annotated, Self

import strawberry
from strawberry import relay

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.enums import ObjectiveKind, SliType
from sloengine.api.governance.types import LazyRecommendation, linked_recommendation
from sloengine.api.inputs import page_request
from sloengine.api.recommendation.enums import TierName
from sloengine.api.topology.references import LazyService, linked_service, service_link
from sloengine.domain.drift import alarm, together
from sloengine.domain.reliability.percent import percent_from_ratio

_MOST_SERVICES = 50


@strawberry.type(description="A recommended target before and after the re-evaluation that a drift event led to.")
class TargetMove:
    """A move of one target: percent for availability, milliseconds for latency."""

    tier: TierName = strawberry.field(description="The tier.")
    kind: ObjectiveKind = strawberry.field(description="The number that is recommended.")
    before: float | None = strawberry.field(description="As it was recommended before; null: it was not.")
    after: float | None = strawberry.field(description="As it is recommended since; null: it is not any more.")

    @classmethod
    def from_domain(cls, move: alarm.TargetMove) -> TargetMove:
        """The move as clients read it."""
        return cls(
            tier=move.tier,
            kind=move.kind,
            before=shown_level(move.kind, move.before),
            after=shown_level(move.kind, move.after),
        )


@strawberry.type(description="One cause behind the changes of several services, such as a shared outage.")
class SharedCause:
    """What several events have in common."""

    service_ids: strawberry.Private[tuple[str, ...]]
    origin_id: strawberry.Private[str | None]
    started_at: datetime = strawberry.field(description="Likely begin of the earliest of the changes.")
    event_count: int = strawberry.field(description="Drift events that belong together.")
    service_count: int = strawberry.field(description="Services whose behaviour changed.")
    origin = service_link(
        "origin_id",
        "The service that all the others call, directly or through each other: likely where it began; null: there "
        "is none, as when a zone or a platform fails.",
        nullable=True,
    )

    @strawberry.field(description="The services, the origin first; 50 at most.")
    async def services(self, info: Info) -> list[LazyService]:
        """Loaded together."""

        async def one(service_id: str) -> LazyService:
            found = linked_service(info, service_id)
            return await found if isawaitable(found) else found

        return list(await asyncio.gather(*(one(key) for key in self.service_ids[:_MOST_SERVICES])))

    @classmethod
    def from_domain(cls, cause: together.SharedCause) -> SharedCause:
        """The cause as clients read it."""
        return cls(
            service_ids=cause.service_ids,
            origin_id=cause.origin,
            started_at=cause.started_at,
            event_count=len(cause.event_ids),
            service_count=len(cause.service_ids),
        )


@strawberry.type(description="A service's behaviour has changed: two of three detectors agree.")
class DriftEvent(relay.Node):
    """A confirmed change."""

    event_id: strawberry.Private[str]
    service_id: strawberry.Private[str]
    recommendation_id: strawberry.Private[str | None]
    onset: strawberry.Private[together.Onset]
    service = service_link("service_id", "The service that behaves differently.")
    sli_type: SliType = strawberry.field(description="What changed.")
    kind: ObjectiveKind = strawberry.field(description="The series in which it was seen first.")
    detected_at: datetime = strawberry.field(description="End of the hour that confirmed it.")
    started_at: datetime | None = strawberry.field(description="Likely begin of the change; null: not known.")
    last_alarm_at: datetime = strawberry.field(
        description="When it was last confirmed; 14 days after that the event is over."
    )
    alarms: int = strawberry.field(description="How often it was confirmed.")
    votes: list[str] = strawberry.field(
        description="Detectors that agreed: PAGE_HINKLEY, ADWIN, KOLMOGOROV_SMIRNOV."
    )
    before: float | None = strawberry.field(
        description="Level in the four weeks before, percent or milliseconds; latency at the hours of the week "
        "that have passed since; null: no data."
    )
    after: float | None = strawberry.field(
        description="Level from the start until it was detected, percent or milliseconds; null: no data."
    )
    reevaluated_at: datetime | None = strawberry.field(
        description="When the recommendation was looked at again; null: that is still to come."
    )
    targets: list[TargetMove] = strawberry.field(description="Recommended targets before and after.")

    @strawberry.field(description="The recommendation that came of it; null: not yet, or none could be made.")
    async def reevaluated(self, info: Info) -> LazyRecommendation | None:
        """Loaded with all others."""
        return await linked_recommendation(info, self.recommendation_id)

    @strawberry.field(description="What it has in common with changes of other services; null: nothing.")
    async def shared_cause(self, info: Info) -> SharedCause | None:
        """Worked out for all events of the request together."""
        cause = await info.context.drift.cause_by_onset.load(self.onset)
        return None if cause is None else SharedCause.from_domain(cause)

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.event_id

    @classmethod
    def from_domain(cls, event: alarm.DriftEvent) -> DriftEvent:
        """The event as clients read it."""
        return cls(
            event_id=event.event_id,
            service_id=event.service_id,
            recommendation_id=event.recommendation_id,
            onset=together.Onset.of(event),
            sli_type=event.sli_type,
            kind=event.kind,
            detected_at=event.detected_at,
            started_at=event.started_at,
            last_alarm_at=event.last_alarm_at,
            alarms=event.alarms,
            votes=[vote.value for vote in event.votes],
            before=shown_level(event.kind, event.before),
            after=shown_level(event.kind, event.after),
            reevaluated_at=event.reevaluated_at,
            targets=[TargetMove.from_domain(move) for move in event.targets],
        )


@strawberry.type(
    description="What is not watched for changes of behaviour, or not at every hour of the day: a change there is "
    "not seen."
)
class NotJudged:
    """One of the three series of a service."""

    kind: ObjectiveKind = strawberry.field(
        description="The hourly values that are not judged: availability, p95 or p99 of latency."
    )
    reason: str = strawberry.field(
        description="What is missing for it, in words: too few hours yet, values too sparse, or hours of the day "
        "that were seen too rarely."
    )


def shown_level(kind: ObjectiveKind, level: float | None) -> float | None:
    """Availability in percent, latency in milliseconds."""
    if level is None or kind is not ObjectiveKind.AVAILABILITY:
        return level
    return percent_from_ratio(level)


@strawberry.type
class ServiceDrift:
    """How its behaviour changed: fields of ``Service``."""

    service_id: str

    @strawberry.field(description="Confirmed changes of its behaviour, newest first.")
    async def drift(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[DriftEvent]:
        """One page, read for all services of the request in one query."""
        request = page_request(first, after, default=20)
        page = await info.context.drift.page_by_service.load((self.service_id, request))
        return Connection.of(page, request, DriftEvent.from_domain)

    @strawberry.field(
        description="What of the service is not watched for changes of behaviour, or not at every hour of the "
        "day, and why: where `drift` has no event, nothing is said of that. At most one entry each for "
        "availability, p95 and p99 of latency; empty: every hour that has a value is judged. Latency without any "
        "value is left out where availability has values. As of the newest aggregated hour."
    )
    async def not_judged(self, info: Info) -> list[NotJudged]:
        """Read for all services of the request together."""
        reasons = await info.context.drift.unjudged_by_service.load(self.service_id)
        return [NotJudged(kind=kind, reason=why) for kind, why in (reasons or {}).items()]
