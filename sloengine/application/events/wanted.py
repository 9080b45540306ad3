"""Which events somebody wants to be told of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceGraph, ServiceOrder
from sloengine.domain.errors import Invalid, NotFound, ServiceNotFound

TOLD_KINDS = (
    "CircularDependencyDetected",
    "DivergenceDetected",
    "DriftConfirmed",
    "GraphChanged",
    "IngestionProgressed",
    "RecommendationGenerated",
    "SloAtRisk",
    "SloChanged",
)
"""Kinds that can be followed, by name. Others in the outbox are for the engine itself."""

MAX_NAMED = {"types": 20, "serviceIds": 200, "teams": 20}
_OF_MANY_SERVICES = "CircularDependencyDetected"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What must hold of an event, all of it; None: anything does."""

    types: tuple[str, ...] | None = None
    service_ids: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None


class Wanted:
    """A filter that has been checked, applied to events. Of a cycle all members count as its services; what is of
    no service is left out where services or teams are named.
    """

    def __init__(self, wanted: EventFilter, graph: ServiceGraph) -> None:
        self._graph = graph
        self._kinds = frozenset(TOLD_KINDS if wanted.types is None else wanted.types)
        self._service_ids = None if wanted.service_ids is None else frozenset(wanted.service_ids)
        self._teams = None if wanted.teams is None else frozenset(wanted.teams)

    @classmethod
    async def of(cls, wanted: EventFilter, graph: ServiceGraph) -> Wanted:
        """Raises ``Invalid`` and ``NotFound``, naming the field."""
        for name, values in (
            ("types", wanted.types),
            ("serviceIds", wanted.service_ids),
            ("teams", wanted.teams),
        ):
            if values is not None and not 0 < len(values) <= MAX_NAMED[name]:
                raise Invalid(f"name 1 to {MAX_NAMED[name]}, or leave it out", path=("filter", name))
        for place, kind in enumerate(wanted.types or ()):
            if kind not in TOLD_KINDS:
                raise Invalid(
                    f"there is no event {kind!r}: take {', '.join(TOLD_KINDS)}",
                    path=("filter", "types", str(place)),
                )
        await _require_services(wanted.service_ids or (), graph)
        await _require_teams(wanted.teams or (), graph)
        return cls(wanted, graph)

    def may_match(self, event: OutboxEvent) -> bool:
        """False where it is certain, from the event alone, that it is not wanted."""
        if event.kind not in self._kinds:
            return False
        if event.service_id is None:
            return event.kind == _OF_MANY_SERVICES or (self._service_ids is None and self._teams is None)
        return self._service_ids is None or event.service_id in self._service_ids

    async def among(self, events: Sequence[OutboxEvent]) -> Sequence[OutboxEvent]:
        """Those that are wanted, in their order; at most two reads for all of them."""
        likely = [event for event in events if self.may_match(event)]
        if not likely or (self._service_ids is None and self._teams is None):
            return likely
        cycles = [event.payload["alert"] for event in likely if event.kind == _OF_MANY_SERVICES]
        alerts = await self._graph.alerts_by_id(cycles) if cycles else {}
        about: list[Sequence[str]] = []
        for event in likely:
            if event.service_id is not None:
                about.append((event.service_id,))
            else:
                alert = alerts.get(event.payload["alert"])
                about.append(() if alert is None else alert.members)
        teams = await self._teams_of({one for services in about for one in services})
        return [event for event, services in zip(likely, about, strict=True) if self._concerns(services, teams)]

    async def _teams_of(self, service_ids: set[str]) -> dict[str, str | None]:
        if self._teams is None or not service_ids:
            return {}
        services = await self._graph.services(sorted(service_ids))
        return {service_id: service.team for service_id, service in services.items()}

    def _concerns(self, services: Iterable[str], teams: dict[str, str | None]) -> bool:
        return any(
            (self._service_ids is None or one in self._service_ids)
            and (self._teams is None or teams.get(one) in self._teams)
            for one in services
        )


async def _require_services(service_ids: Sequence[str], graph: ServiceGraph) -> None:
    known = await graph.services(service_ids) if service_ids else {}
    for place, service_id in enumerate(service_ids):
        if service_id not in known:
            raise ServiceNotFound(
                f"no service {service_id!r} in the graph; look its id up with the query `services`",
                path=("filter", "serviceIds", str(place)),
            )


async def _require_teams(teams: Sequence[str], graph: ServiceGraph) -> None:
    for place, team in enumerate(teams):
        found = await graph.page_of_services(
            ServiceFilter(team=team), ServiceOrder.SERVICE_ID, PageRequest(first=1)
        )
        if not found.rows:
            raise NotFound(f"no service belongs to a team {team!r}", path=("filter", "teams", str(place)))
