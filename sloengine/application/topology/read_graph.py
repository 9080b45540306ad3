"""Read the graph. Every role may read all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.service_graph import Neighbourhood, ServiceFilter, ServiceGraph, ServiceOrder
from sloengine.domain.errors import Invalid, ServiceNotFound
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert, Ingestion
from sloengine.domain.topology.service import Service

MAX_DEPTH = 10
MAX_EDGES = 10_000


@dataclass(frozen=True, slots=True)
class ReadGraph:
    """Each method is one query for any number of keys."""

    graph: ServiceGraph
    ingestion_store: IngestionStore

    async def services(self, service_ids: Sequence[str]) -> Mapping[str, Service]:
        """These services; unknown ids are absent."""
        return await self.graph.services(service_ids)

    async def services_by_entity_ref(self, entity_refs: Sequence[str]) -> Mapping[str, Service]:
        """By Backstage entity ref, compared lower-cased."""
        return await self.graph.services_by_entity_ref(entity_refs)

    async def page_of_services(
        self, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
    ) -> Page[Service]:
        """One page of the services."""
        return await self.graph.page_of_services(wanted, order, page)

    async def dependencies_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges out of each of these services, with their claims."""
        return await self.graph.dependencies_of(service_ids, include_stale=include_stale)

    async def callers_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges into each of these services, with their claims."""
        return await self.graph.callers_of(service_ids, include_stale=include_stale)

    async def measured_pass_through(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Estimate]:
        """How much of the dependency's failure was measured to reach the caller; absent: not enough evidence."""
        return await self.graph.measured_pass_through(pairs)

    async def neighbourhood(
        self,
        roots: Sequence[str],
        *,
        depth: int = 3,
        towards_callers: bool = False,
        include_stale: bool = False,
        limit: int = MAX_EDGES,
    ) -> Neighbourhood:
        """The graph within ``depth`` calls (1 to 10) of the roots, at most ``limit`` edges.

        Raises ``ServiceNotFound`` when a root is not known.
        """
        if not 1 <= depth <= MAX_DEPTH:
            raise Invalid(f"depth must be 1 to {MAX_DEPTH}", path=("depth",))
        found = await self.graph.neighbourhood(
            roots, depth=depth, towards_callers=towards_callers, include_stale=include_stale, limit=limit
        )
        known = {service.service_id for service in found.services}
        for position, root in enumerate(roots):
            if root not in known:
                raise ServiceNotFound(f"no service {root!r}", path=("roots", str(position)))
        return found

    async def alerts(self, status: AlertStatus | None, page: PageRequest) -> Page[CircularDependencyAlert]:
        """Circular-dependency alerts, newest first."""
        return await self.graph.alerts(status, page)

    async def alerts_by_id(self, alert_ids: Sequence[str]) -> Mapping[str, CircularDependencyAlert]:
        """These alerts; unknown ids are absent."""
        return await self.graph.alerts_by_id(alert_ids)

    async def supernodes_of(self, service_ids: Sequence[str]) -> Mapping[str, Supernode]:
        """The supernode that each of these services is in; services in none are absent."""
        return await self.graph.supernodes_of(service_ids)

    async def ingestions(self, ingestion_ids: Sequence[str]) -> Mapping[str, Ingestion]:
        """These ingestions; unknown ids are absent."""
        return await self.ingestion_store.get(ingestion_ids)

    async def version(self) -> int:
        """The graph version."""
        return await self.graph.version()
