"""A read-only snapshot of the merged graph, indexed for traversal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.service import Service


@dataclass(frozen=True, slots=True)
class Supernode:
    """A strongly connected component of two or more services.

    ``members`` sorted; ``cycle_path`` a shortest cycle in it, first service repeated at the end.
    """

    supernode_id: str
    members: tuple[str, ...]
    cycle_path: tuple[str, ...]


@dataclass(frozen=True)
class DependencyGraph:
    """Services and merged dependencies at one graph version.

    Every endpoint of a dependency is in ``services``. Safe to share between threads.
    """

    services: tuple[Service, ...]
    dependencies: tuple[Dependency, ...]
    version: int = 0
    supernodes: tuple[Supernode, ...] = ()

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each service id in ``services``."""
        return {service.service_id: position for position, service in enumerate(self.services)}

    @cached_property
    def ends(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Positions of caller and dependency of each edge, in the order of ``dependencies``."""
        index = self.index
        callers = np.fromiter((index[d.caller] for d in self.dependencies), np.int64, len(self.dependencies))
        callees = np.fromiter((index[d.dependency] for d in self.dependencies), np.int64, len(self.dependencies))
        return callers, callees

    @cached_property
    def adjacency(self) -> csr_array:
        """Sparse matrix with (edge position + 1) at [caller, dependency]."""
        callers, callees = self.ends
        size = len(self.services)
        return csr_array((np.arange(1, len(callers) + 1), (callers, callees)), shape=(size, size))

    @cached_property
    def edges_by_caller(self) -> Mapping[str, tuple[Dependency, ...]]:
        """Dependencies of each caller, in the order of ``dependencies``; callers without any are absent."""
        return _grouped(self.dependencies, by_caller=True)

    @cached_property
    def edges_by_dependency(self) -> Mapping[str, tuple[Dependency, ...]]:
        """Edges that point at each service."""
        return _grouped(self.dependencies, by_caller=False)

    @cached_property
    def supernode_by_member(self) -> Mapping[str, Supernode]:
        """The cycle of each service that is in one."""
        return {member: supernode for supernode in self.supernodes for member in supernode.members}

    def waited_for(self, service_ids: Iterable[str]) -> tuple[str, ...]:
        """Services whose answers requests to any of these wait for, called directly; ids ascending."""
        return tuple(
            sorted(
                {
                    edge.dependency
                    for service_id in service_ids
                    for edge in self.edges_by_caller.get(service_id, ())
                    if edge.mode is DependencyMode.SYNC and not edge.is_stale
                }
            )
        )

    def get(self, service_id: str) -> Service | None:
        """The service, or None."""
        position = self.index.get(service_id)
        return None if position is None else self.services[position]

    def distances(
        self, roots: Sequence[str], max_depth: int | None, *, towards_callers: bool = False
    ) -> dict[str, int]:
        """Fewest calls from any root to each service within ``max_depth``.

        Roots have 0; roots that the graph does not know are left out.
        """
        found = dict.fromkeys((root for root in roots if root in self.index), 0)
        frontier: list[str] = list(found)
        edges = self.edges_by_dependency if towards_callers else self.edges_by_caller
        depth = 0
        while frontier and (max_depth is None or depth < max_depth):
            depth += 1
            reached: list[str] = []
            for service_id in frontier:
                for edge in edges.get(service_id, ()):
                    other = edge.caller if towards_callers else edge.dependency
                    if other not in found:
                        found[other] = depth
                        reached.append(other)
            frontier = reached
        return found

    def subgraph(self, service_ids: Iterable[str]) -> DependencyGraph:
        """The graph induced by these services."""
        kept = set(service_ids)
        return DependencyGraph(
            services=tuple(s for s in self.services if s.service_id in kept),
            dependencies=tuple(
                edge
                for s in self.services
                if s.service_id in kept
                for edge in self.edges_by_caller.get(s.service_id, ())
                if edge.dependency in kept
            ),
            version=self.version,
            supernodes=tuple(n for n in self.supernodes if kept.issuperset(n.members)),
        )


def _grouped(dependencies: Sequence[Dependency], *, by_caller: bool) -> dict[str, tuple[Dependency, ...]]:
    grouped: dict[str, list[Dependency]] = {}
    for edge in dependencies:
        grouped.setdefault(edge.caller if by_caller else edge.dependency, []).append(edge)
    return {service_id: tuple(edges) for service_id, edges in grouped.items()}
