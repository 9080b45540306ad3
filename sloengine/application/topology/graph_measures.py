"""All measures of a graph at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import rustworkx as rx

from sloengine.domain.topology.betweenness import PIVOTS, Betweenness, go_on, goes_on, sampled_betweenness
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.communities import communities
from sloengine.domain.topology.failing_alone import blast_radius, depth, single_points_of_failure
from sloengine.domain.topology.graph import DependencyGraph

EXACT_SERVICES = 1_000
"""Up to this size every service is a starting point of betweenness; counting exactly takes some eighteen times as
long for a graph four times as large."""
_DAMPING = 0.85


def measure(
    graph: DependencyGraph,
    is_outdated: Callable[[], bool] = goes_on,
    *,
    exact_up_to: int = EXACT_SERVICES,
    pivots: int = PIVOTS,
) -> dict[str, Centrality]:
    """Centrality of every service; stale dependencies are left out. The same graph has the same answer.

    ``is_outdated`` is asked between its parts. Raises ``EndedEarly`` once it says so.
    """
    size = len(graph.services)
    if size == 0:
        return {}
    callers, dependencies = graph.ends
    fresh = np.array([not edge.is_stale for edge in graph.dependencies], bool)
    callers, dependencies = callers[fresh], dependencies[fresh]
    calls = rx.PyDiGraph(multigraph=False, node_count_hint=size, edge_count_hint=len(callers))
    calls.add_nodes_from(range(size))
    calls.add_edges_from_no_data(list(zip(callers.tolist(), dependencies.tolist(), strict=True)))
    go_on(is_outdated)
    rank = rx.pagerank(calls, alpha=_DAMPING)
    go_on(is_outdated)
    if size <= exact_up_to:
        exact = rx.digraph_betweenness_centrality(calls)
        between = Betweenness(np.array([exact[node] for node in range(size)]), np.zeros(size))
    else:
        rng = np.random.default_rng(size)
        between = sampled_betweenness(size, callers, dependencies, rng, pivots, is_outdated)
    go_on(is_outdated)
    radius, alone = blast_radius(graph), single_points_of_failure(graph)
    go_on(is_outdated)
    groups, steps = communities(size, callers, dependencies), depth(graph)
    return {
        service.service_id: Centrality(
            page_rank=float(rank[position]),
            betweenness=float(between.values[position]),
            betweenness_error=float(between.error[position]),
            blast_radius=int(radius[position]),
            community=int(groups[position]),
            single_point_of_failure=bool(alone[position]),
            depth=int(steps[position]),
            graph_version=graph.version,
        )
        for position, service in enumerate(graph.services)
    }
