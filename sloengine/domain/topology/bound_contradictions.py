"""Which contradicted calls a bound names: below a service in a large cycle there are tens of thousands."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.recommendation.model import Contradiction
from sloengine.domain.topology.graph_reliability import GraphReliability

#: So many are named; the rest is counted. All are on the edges of the graph.
CONTRADICTIONS = 20


def contradictions(
    model: GraphReliability, services: Sequence[int], root: int
) -> tuple[tuple[Contradiction, ...], int]:
    """Contradicted calls of these services, in the order of the services, and how many more there are.

    Where there are too many to name, the root's own come first, for its owner can mend those; then those by which
    most failed calls would have been passed on that were not. ``services``: positions, ``root`` among them.
    """
    known = model.pass_through.contradictions
    if not known:
        return (), 0
    edges = [edge for service in services for edge in model.edges_of[service] if edge in known]
    if len(edges) > CONTRADICTIONS:
        own = set(model.edges_of[root])
        named = set(
            sorted(edges, key=lambda edge: (edge not in own, -_kept_away(model, edge), edge))[:CONTRADICTIONS]
        )
        return tuple(known[edge] for edge in edges if edge in named), len(edges) - CONTRADICTIONS
    return tuple(known[edge] for edge in edges), 0


def _kept_away(model: GraphReliability, edge: int) -> float:
    """Failed calls that the declaration would have passed on and that were not."""
    passes = model.pass_through
    return float(passes.failed_calls[edge] * (passes.declared[edge] - passes.in_use[edge]))
