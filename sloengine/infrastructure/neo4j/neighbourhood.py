"""The graph around some services, cut at a number of edges.

Both ways of getting it agree: edges are taken by the distance of the end nearer to the roots, then by caller and
dependency, so that a cut leaves the nearest ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.infrastructure.neo4j.connection import Transaction, first_of
from sloengine.infrastructure.neo4j.service_rows import dependency_of, service_of, supernode_of


def around(
    graph: DependencyGraph,
    roots: Sequence[str],
    *,
    depth: int,
    towards_callers: bool,
    include_stale: bool,
    limit: int,
) -> Neighbourhood:
    """The neighbourhood in a snapshot."""
    edges_of = graph.edges_by_dependency if towards_callers else graph.edges_by_caller
    reached = {root: 0 for root in roots if root in graph.index}
    frontier = list(reached)
    edges: list[Dependency] = []
    for distance in range(depth + 1):
        layer: list[Dependency] = []
        following: list[str] = []
        for service_id in sorted(frontier):
            for edge in edges_of.get(service_id, ()):
                if edge.is_stale and not include_stale:
                    continue
                other = edge.caller if towards_callers else edge.dependency
                if other not in reached:
                    if distance == depth:
                        continue
                    reached[other] = distance + 1
                    following.append(other)
                layer.append(edge)
        # Edges out of sorted callers are in order already: a snapshot lists them by caller and dependency.
        edges.extend(sorted(layer, key=lambda edge: edge.pair) if towards_callers else layer)
        frontier = following
        if not frontier or len(edges) > limit:
            break
    kept = edges[:limit]
    named = _named(roots, kept, reached, complete=len(edges) <= limit)
    services = sorted((graph.services[graph.index[s]] for s in named), key=lambda service: service.service_id)
    cycle_of = graph.supernode_by_member
    cycles = {node.supernode_id: node for s in services if (node := cycle_of.get(s.service_id)) is not None}
    return Neighbourhood(services, kept, tuple(cycles.values()), graph.version, len(edges) > limit)


async def walk(
    transaction: Transaction,
    roots: Sequence[str],
    *,
    depth: int,
    towards_callers: bool,
    include_stale: bool,
    limit: int,
) -> Neighbourhood:
    """The neighbourhood in the database, one query a step."""
    query = "read/callers_one_hop" if towards_callers else "read/dependencies_one_hop"
    reached = dict.fromkeys(roots, 0)
    frontier = list(reached)
    found: list[tuple[str, str, list[object]]] = []
    for distance in range(depth + 1):
        last = distance == depth
        rows = await transaction.rows(
            query,
            frontier=frontier,
            within=list(reached) if last else None,
            include_stale=include_stale,
            limit=limit + 1,
        )
        following: list[str] = []
        for caller, dependency, _ in rows:
            other = caller if towards_callers else dependency
            if other not in reached:
                reached[other] = distance + 1
                following.append(other)
        found.extend((caller, dependency, edge) for caller, dependency, edge in rows)
        frontier = following
        if not frontier or len(found) > limit:
            break
    kept = [dependency_of(caller, dependency, edge) for caller, dependency, edge in found[:limit]]
    named = _named(roots, kept, reached, complete=len(found) <= limit)
    rows = await transaction.rows("read/services", service_ids=list(named))
    cycles = await transaction.rows("read/supernodes_of", service_ids=list(named))
    version = first_of(await transaction.rows("read/graph_version")) or 0
    return Neighbourhood(
        [service_of(row) for row in rows],
        kept,
        tuple(supernode_of(row[:3]) for row in cycles),
        version,
        len(found) > limit,
    )


def _named(
    roots: Sequence[str],
    kept: Sequence[Dependency],
    reached: dict[str, int],
    *,
    complete: bool,
) -> set[str]:
    """Services of the answer: all that were reached, or after a cut those that the kept edges name."""
    if complete:
        return set(reached)
    return {root for root in roots if root in reached} | {end for edge in kept for end in edge.pair}
