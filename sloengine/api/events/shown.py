"""From numbered events to what clients read: the things that a batch leads to are loaded together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.dataloader import DataLoader

from sloengine.api.context import Context
from sloengine.api.drift.types import DriftEvent
from sloengine.api.events.types import (
    CircularDependencyDetected,
    DivergenceDetected,
    DriftConfirmed,
    EngineEvent,
    GraphChanged,
    IngestionProgressed,
    RecommendationGenerated,
    SloAtRisk,
    SloChanged,
)
from sloengine.api.forecast.types import Forecast
from sloengine.api.governance.types import AuditEvent, Slo
from sloengine.api.recommendation.types import Recommendation
from sloengine.api.topology.alerts import CircularDependencyAlert
from sloengine.api.topology.divergences import Divergence
from sloengine.api.topology.ingestions import Ingestion
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is shown: the name in the payload of what it leads to, the loader of that, the type; whether it
    is nothing without it.
    """

    leads_to: str
    loader: Callable[[Context], DataLoader[str, Any]]
    shown: Callable[[Any, OutboxEvent, Mapping[str, Any]], EngineEvent]
    is_needed: bool = True


KINDS: Mapping[str, Kind] = {
    "SloChanged": Kind(
        "auditEvent",
        lambda context: context.governance.audit_event_by_id,
        lambda entry, _, common: SloChanged(audit_event=AuditEvent.from_domain(entry), **common),
    ),
    "SloAtRisk": Kind(
        "slo",
        lambda context: context.governance.slo_by_id,
        lambda slo, event, common: SloAtRisk(
            slo=Slo.from_domain(slo), forecast=Forecast.from_document(event.payload["forecast"]), **common
        ),
    ),
    "DriftConfirmed": Kind(
        "drift",
        lambda context: context.drift.event_by_id,
        lambda drift, _, common: DriftConfirmed(drift=DriftEvent.from_domain(drift), **common),
    ),
    "CircularDependencyDetected": Kind(
        "alert",
        lambda context: context.topology.alert_by_id,
        lambda alert, _, common: CircularDependencyDetected(
            alert=CircularDependencyAlert.from_domain(alert), **common
        ),
    ),
    "RecommendationGenerated": Kind(
        "recommendation",
        lambda context: context.recommendation.recommendation_by_id,
        lambda found, _, common: RecommendationGenerated(
            recommendation=Recommendation.from_domain(found), **common
        ),
    ),
    "GraphChanged": Kind(
        "ingestion",
        lambda context: context.topology.ingestion_by_id,
        lambda found, event, common: GraphChanged(
            graph_version=event.payload["graphVersion"],
            ingestion=None if found is None else Ingestion.from_domain(found),
            **common,
        ),
        is_needed=False,
    ),
    "IngestionProgressed": Kind(
        "ingestion",
        lambda context: context.topology.ingestion_by_id,
        lambda found, _, common: IngestionProgressed(ingestion=Ingestion.from_domain(found), **common),
    ),
    "DivergenceDetected": Kind(
        "divergence",
        lambda context: context.topology.divergence_by_id,
        lambda found, _, common: DivergenceDetected(divergence=Divergence.from_domain(found), **common),
    ),
}


async def shown_events(events: Sequence[OutboxEvent], context: Context) -> Sequence[EngineEvent]:
    """In their order, one read for each kind. What an event leads to may be gone: then it is left out."""
    context.forget()
    found = await _loaded(events, context)
    if any(thing is None and KINDS[event.kind].is_needed for event, thing in zip(events, found, strict=True)):
        # A replica may be behind the event. This asks the server that takes writes, and what it has answered,
        # replicas are waited for by what is read from now on.
        await context.use_cases.follow_events.feed.log.newest()
        context.forget()
        found = await _loaded(events, context)
    shown = []
    for event, thing in zip(events, found, strict=True):
        if thing is None and KINDS[event.kind].is_needed:
            log.info("what an event leads to is gone", number=event.number, kind=event.kind)
            continue
        common = {"id": strawberry.ID(str(event.number)), "at": event.at, "service_id": event.service_id}
        shown.append(KINDS[event.kind].shown(thing, event, common))
    return shown


def _load(event: OutboxEvent, context: Context) -> Awaitable[Any]:
    kind = KINDS[event.kind]
    leads_to = event.payload[kind.leads_to]
    return asyncio.sleep(0) if leads_to is None else kind.loader(context).load(leads_to)


async def _loaded(events: Sequence[OutboxEvent], context: Context) -> Sequence[Any]:
    loads = [_load(event, context) for event in events]
    services = {event.service_id for event in events if event.service_id is not None} if len(events) > 1 else ()
    ahead = [context.topology.service_by_id.load(service_id) for service_id in services]
    found = await asyncio.gather(*loads, *ahead)
    return found[: len(loads)]
