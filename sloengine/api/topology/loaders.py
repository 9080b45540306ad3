"""One call for all services, edges, cycles and ingestions that a request leads to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call, one_call_per_option
from sloengine.application.topology.analyse_graph import ReadCentrality
from sloengine.application.topology.read_divergences import ReadDivergences
from sloengine.application.topology.read_graph import ReadGraph
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.dependency import Dependency, DependencyClaim
from sloengine.domain.topology.divergence import Divergence
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import CircularDependencyAlert, Ingestion
from sloengine.domain.topology.service import Service


class TopologyLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, graph: ReadGraph, centrality: ReadCentrality, divergences: ReadDivergences) -> None:
        self._graph = graph
        self._centrality = centrality
        self._divergences = divergences

    @cached_property
    def centrality_by_service(self) -> DataLoader[str, Centrality | None]:
        """What services' places in the graph say of them."""
        return one_call(self._centrality)

    @cached_property
    def service_by_id(self) -> DataLoader[str, Service | None]:
        """Services by their own id."""
        return one_call(self._graph.services)

    @cached_property
    def service_by_entity_ref(self) -> DataLoader[str, Service | None]:
        """Services by Backstage entity ref, lower-cased."""
        return one_call(self._graph.services_by_entity_ref)

    @cached_property
    def dependencies_by_caller(self) -> DataLoader[tuple[str, bool], Sequence[Dependency] | None]:
        """Edges out of a service; the option says whether stale ones are wanted."""
        graph = self._graph

        async def read(callers: list[str], include_stale: bool) -> dict[str, Sequence[Dependency]]:
            return dict(await graph.dependencies_of(callers, include_stale=include_stale))

        return one_call_per_option(read)

    @cached_property
    def callers_by_dependency(self) -> DataLoader[tuple[str, bool], Sequence[Dependency] | None]:
        """Edges into a service; the option says whether stale ones are wanted."""
        graph = self._graph

        async def read(dependencies: list[str], include_stale: bool) -> dict[str, Sequence[Dependency]]:
            return dict(await graph.callers_of(dependencies, include_stale=include_stale))

        return one_call_per_option(read)

    @cached_property
    def claims_by_pair(self) -> DataLoader[tuple[str, str], Sequence[DependencyClaim] | None]:
        """Claims of edges that were read without them."""
        graph = self._graph

        async def read(pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Sequence[DependencyClaim]]:
            callers = list(dict.fromkeys(caller for caller, _ in pairs))
            edges = await graph.dependencies_of(callers, include_stale=True)
            return {edge.pair: edge.claims for found in edges.values() for edge in found}

        return one_call(read)

    @cached_property
    def pass_through_by_pair(self) -> DataLoader[tuple[str, str], Estimate | None]:
        """What was measured of edges."""
        return one_call(self._graph.measured_pass_through)

    @cached_property
    def supernode_by_service(self) -> DataLoader[str, Supernode | None]:
        """The cycle that a service is in."""
        return one_call(self._graph.supernodes_of)

    @cached_property
    def alert_by_id(self) -> DataLoader[str, CircularDependencyAlert | None]:
        """Circular-dependency alerts."""
        return one_call(self._graph.alerts_by_id)

    @cached_property
    def divergence_by_id(self) -> DataLoader[str, Divergence | None]:
        """Where declared and observed dependencies disagree."""
        return one_call(self._divergences.by_id)

    @cached_property
    def ingestion_by_id(self) -> DataLoader[str, Ingestion | None]:
        """Ingestions."""
        return one_call(self._graph.ingestions)
