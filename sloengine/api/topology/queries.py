"""What can be asked about services and their graph."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.inputs import given, given_or, page_request
from sloengine.api.topology.alerts import CircularDependencyAlert
from sloengine.api.topology.drawings import GraphDrawing
from sloengine.api.topology.enums import AlertStatus, Criticality, DrawingFormat, GraphDirection, ServiceOrder
from sloengine.api.topology.references import needs_row, selected_sli_types
from sloengine.api.topology.types import (
    After,
    Dependency,
    DependencyGraph,
    First,
    Service,
    Supernode,
)
from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.application.ports.service_graph import ServiceFilter as StoredServiceFilter
from sloengine.domain.errors import Invalid, NotFound, TooLarge
from sloengine.domain.journeys.model import Journey
from sloengine.domain.recommendation.model import Recommendation
from sloengine.infrastructure.drawings import draw

MAX_ROOTS = 100
_MOST_JOURNEYS = 20


@strawberry.input(one_of=True, description="How to name a service: exactly one of the two.")
class ServiceBy:
    """A service's name."""

    service_id: str | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    entity_ref: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its Backstage entity; letter case does not matter."
    )


@strawberry.input(description="Only services that match all that is given.")
class ServiceFilter:
    """Conditions."""

    search: str | None = strawberry.field(
        default=strawberry.UNSET, description="Part of the id or the name; letter case does not matter."
    )
    team: str | None = strawberry.field(default=strawberry.UNSET, description="Owned by this team.")
    criticality: list[Criticality] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    external: bool | None = strawberry.field(default=strawberry.UNSET, description="Run by somebody else, or not.")
    has_active_slo: bool | None = strawberry.field(
        default=strawberry.UNSET, description="With an active SLO of any type, or with none."
    )
    in_cycle: bool | None = strawberry.field(default=strawberry.UNSET, description="In a cycle, or in none.")

    def stored(self) -> StoredServiceFilter:
        """The store's conditions."""
        criticality = given(self.criticality)
        return StoredServiceFilter(
            search=given(self.search) or None,
            team=given(self.team),
            criticality=None if criticality is None else tuple(criticality),
            external=given(self.external),
            has_active_slo=given(self.has_active_slo),
            in_cycle=given(self.in_cycle),
        )


@strawberry.type
class TopologyQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="One service; null: no such service.")
    async def service(
        self, info: Info, by: Annotated[ServiceBy, strawberry.argument(description="Which one.")]
    ) -> Service | None:
        """By its id or its entity ref."""
        entity_ref = given(by.entity_ref)
        if entity_ref is not None:
            found = await info.context.topology.service_by_entity_ref.load(entity_ref.lower())
        else:
            service_id = given(by.service_id) or ""
            if not needs_row(info) and await _is_recommended(info, service_id):
                return Service.identified(service_id)
            found = await info.context.topology.service_by_id.load(service_id)
        return None if found is None else Service.from_domain(found)

    @strawberry.field(description="Services, page by page.")
    async def services(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002  (the API's word)
            ServiceFilter | None, strawberry.argument(description="Only these.")
        ] = strawberry.UNSET,
        order_by: Annotated[
            ServiceOrder | None, strawberry.argument(description="Sorted so; by service id when left out.")
        ] = strawberry.UNSET,
        first: First = 50,
        after: After = strawberry.UNSET,
    ) -> Connection[Service]:
        """One page, cut by the store."""
        request = page_request(first, after)
        wanted = given(filter)
        page = await info.context.use_cases.read_graph.page_of_services(
            StoredServiceFilter() if wanted is None else wanted.stored(),
            given_or(order_by, ServiceOrder.SERVICE_ID).stored,
            request,
        )
        info.context.topology.service_by_id.prime_many({row.service_id: row for row in page.rows})
        return Connection.of(page, request, Service.from_domain)

    @strawberry.field(
        description="The merged graph around the roots: services within `depth` calls, and the edges among them."
    )
    async def dependency_graph(
        self,
        info: Info,
        roots: Annotated[list[str], strawberry.argument(description="Service ids to start from, 1 to 100.")],
        direction: Annotated[
            GraphDirection | None, strawberry.argument(description="Which way to walk.")
        ] = GraphDirection.DEPENDENCIES,
        depth: Annotated[int | None, strawberry.argument(description="Calls away from a root, 1 to 10.")] = 3,
        include_stale: Annotated[
            bool | None,
            strawberry.argument(description="Also edges that no source has seen for its time to live."),
        ] = False,
    ) -> DependencyGraph:
        """Read in one traversal."""
        found = await _neighbourhood(info, roots, direction, depth, include_stale=bool(include_stale))
        info.context.topology.service_by_id.prime_many({row.service_id: row for row in found.services})
        return DependencyGraph(
            services=[Service.from_domain(service) for service in found.services],
            dependencies=[Dependency.from_domain(edge) for edge in found.dependencies],
            supernodes=[Supernode.from_domain(supernode) for supernode in found.supernodes],
            graph_version=found.graph_version,
            truncated=found.truncated,
        )

    @strawberry.field(
        description="The merged graph around the roots as text that other programs draw; any service id is safe "
        "in it. Of more than 2,000 edges those nearest to the roots."
    )
    async def graph_drawing(
        self,
        info: Info,
        roots: Annotated[list[str], strawberry.argument(description="Service ids to start from, 1 to 100.")],
        format: Annotated[  # noqa: A002  (the API's word)
            DrawingFormat, strawberry.argument(description="What it is written in.")
        ],
        direction: Annotated[
            GraphDirection | None, strawberry.argument(description="Which way to walk.")
        ] = GraphDirection.DEPENDENCIES,
        depth: Annotated[int | None, strawberry.argument(description="Calls away from a root, 1 to 10.")] = 3,
        include_stale: Annotated[
            bool | None,
            strawberry.argument(description="Also edges that no source has seen for its time to live."),
        ] = False,
        journeys: Annotated[
            list[str] | None,
            strawberry.argument(description="Names of journeys whose services and calls are marked, 20 at most."),
        ] = strawberry.UNSET,
    ) -> GraphDrawing:
        """Read in one traversal."""
        marked = await _journeys_to_mark(info, given_or(journeys, []))
        found = await _neighbourhood(info, roots, direction, depth, include_stale=bool(include_stale))
        return GraphDrawing.from_drawing(await asyncio.to_thread(draw, roots, found, format, journeys=marked))

    @strawberry.field(description="Cycles that somebody should look at, newest first.")
    async def circular_dependency_alerts(
        self,
        info: Info,
        status: Annotated[AlertStatus | None, strawberry.argument(description="Only these.")] = strawberry.UNSET,
        first: First = 50,
        after: After = strawberry.UNSET,
    ) -> Connection[CircularDependencyAlert]:
        """One page, cut by the store."""
        request = page_request(first, after)
        page = await info.context.use_cases.read_graph.alerts(given(status), request)
        return Connection.of(page, request, CircularDependencyAlert.from_domain)


async def _is_recommended(info: Info, service_id: str) -> bool:
    """Whether an answer that is asked for anyway shows that the service exists: then the graph need not be read.

    Recommendations are made for services of the graph only, and none is ever deleted.
    """
    loader = info.context.recommendation.newest_by_service
    wanted = selected_sli_types(info)
    answers = [await found for found in [loader.load((service_id, sli_type)) for sli_type in wanted]]
    return any(isinstance(answer, Recommendation) for answer in answers)


async def _neighbourhood(
    info: Info, roots: list[str], direction: GraphDirection | None, depth: int | None, *, include_stale: bool
) -> Neighbourhood:
    if not roots:
        raise Invalid("roots is empty; name one service at least", path=("roots",))
    if len(roots) > MAX_ROOTS:
        raise TooLarge(f"{len(roots)} roots, at most {MAX_ROOTS} are allowed", path=("roots",))
    return await info.context.use_cases.read_graph.neighbourhood(
        list(dict.fromkeys(roots)),
        depth=given_or(depth, 3),
        towards_callers=given_or(direction, GraphDirection.DEPENDENCIES) is GraphDirection.CALLERS,
        include_stale=include_stale,
    )


async def _journeys_to_mark(info: Info, names: Sequence[str]) -> Sequence[Journey]:
    if not names:
        return []
    if len(names) > _MOST_JOURNEYS:
        raise TooLarge(f"{len(names)} journeys; at most {_MOST_JOURNEYS} are marked", path=("journeys",))
    found = await info.context.use_cases.read_journeys.by_name(names)
    for position, name in enumerate(names):
        if name not in found:
            raise NotFound(f"no journey {name!r}", path=("journeys", str(position)))
    return [found[name] for name in dict.fromkeys(names)]
