"""One call of a root made soft: what of each source's failure would still reach it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sloengine.domain.topology.bound_system import BoundSystem
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.inherited_failure import source_nodes
from sloengine.domain.topology.system import SOFT_PASS_THROUGH, edge_key, pass_probability


@dataclass(frozen=True)
class Softened:
    """A call that passes on less: its pass probability before and after, and what is left of each source.

    ``factors``: by source of the inherited failure, how often it still reaches the root against before.
    """

    before: float
    after: float
    factors: tuple[float, ...]


def soft_call(
    model: GraphReliability,
    made: BoundSystem,
    answer: ScenarioAnswer,
    position: int,
    component: int,
    dependency: str,
    seed: int,
) -> Softened | None:
    """Solve the root's system again with one of its calls passing on as little as a soft one."""
    edges = [
        edge
        for edge in model.edges_of[position]
        if model.edges[edge].dependency == dependency and model.edges[edge].redundancy_group is None
    ]
    if not edges:
        return None
    before = float(model.probability[edges[0]])
    after = pass_probability(SOFT_PASS_THROUGH, float(model.call_weights[edges[0]]))
    if after >= before:
        return None
    key, calls = edge_key(*model.edges[edges[0]].pair), list(made.system.calls)
    calls[component] = [replace(call, probability=after) if call.key == key else call for call in calls[component]]
    reach = solve(replace(made.system, calls=calls), seed=seed).reach
    nodes = source_nodes(made, answer, component)
    return Softened(before, after, tuple(reach.get(node, 0.0) / answer.reach[node] for node in nodes))
