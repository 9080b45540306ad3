"""How reliability composes along calls: the probability that a root fails, given what it calls.

Semantics (per request of the root): each edge is used with q = min(1, call weight), independently; a used edge
passes its dependency's failure on with 1 − (1 − f)^max(1, weight). Each component has one state. The root fails
iff its own component fails or a failed component reaches it along passing edges; a redundancy group passes failure
on when fewer than ``required`` of its members' paths are good. A strongly connected component is one that fails
with 1 − Π(1 − u). A dependency that is reached by several paths therefore counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sloengine.domain.topology.edge_scenarios import ScenarioAnswer, evaluate_scenarios
from sloengine.domain.topology.elimination import CELL_BUDGET, failure_probability
from sloengine.domain.topology.passing_edges import DRAWS, ENUMERATED_EDGES
from sloengine.domain.topology.system import Call, System, acyclic_system, without_certainties

#: Systems up to this size are always computed exactly, whatever it costs.
EXACT_COMPONENTS = 20
#: Above this many components left over, trying to be exact is not worth the planning.
_ELIMINATION_COMPONENTS = 64


@dataclass(frozen=True)
class Composed:
    """Probability that the root fails, and where it comes from.

    ``standard_error`` 0: exact. ``reach``: probability that a node's failure alone fails the root, by node.
    ``share``: the node's part of ``probability``; they add up to it (Aumann–Shapley over hazards: the chance that
    it is the first to fail, had failures come one after the other). ``components``: the component of each node.
    """

    probability: float
    standard_error: float
    reach: dict[int, float]
    share: dict[int, float]
    components: list[int]


def compose(
    root: int,
    unavailability: Sequence[float],
    calls: Iterable[Call],
    groups: Iterable[tuple[Sequence[Call], int]] = (),
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Composed:
    """Probability that node ``root`` fails.

    Exact up to 20 components, and beyond wherever the calls are certain, few are uncertain, or the graph is narrow
    enough for elimination; else Monte Carlo over edges with its standard error.

    Parameters:
        unavailability: each node's own, in [0, 1].
        calls: edges outside groups.
        groups: calls of one caller that stand in for each other, and how many of them must be good.
        draws: sets of passing edges to sample; a power of two.
    """
    system, labels = acyclic_system(root, unavailability, calls, groups)
    answer = solve(system, seed=seed, draws=draws)
    members: dict[int, list[int]] = {}
    for node, component in enumerate(labels):
        members.setdefault(component, []).append(node)
    reach: dict[int, float] = {}
    share: dict[int, float] = {}
    for component in answer.reach | answer.share:
        nodes = members[component]
        whole = sum(unavailability[node] for node in nodes)
        for node in nodes:
            reach[node] = answer.reach.get(component, 0.0)
            part = unavailability[node] / whole if whole > 0.0 else 1.0 / len(nodes)
            share[node] = answer.share.get(component, 0.0) * part
    return Composed(answer.probability, answer.standard_error, reach, share, labels)


def solve(system: System, *, seed: int = 0, draws: int = DRAWS) -> ScenarioAnswer:
    """As :func:`compose`, on a system without cycles; ``reach`` and ``share`` by component."""
    rest, taken = without_certainties(system)
    answer = evaluate_scenarios(rest, taken, system.unavailability, seed, draws)
    exact = _exact(system, rest, taken, answer)
    if exact is None:
        return answer
    scale = exact / answer.probability if answer.probability > 0.0 else 1.0
    return ScenarioAnswer(exact, 0.0, answer.reach, {node: part * scale for node, part in answer.share.items()})


def _exact(system: System, rest: System, taken: frozenset[int], answer: ScenarioAnswer) -> float | None:
    """The exact probability where it can be had at a fair price."""
    has_groups = any(rest.groups[node] for node in rest.order)
    if not has_groups and answer.standard_error == 0.0:
        return answer.probability
    if len(rest.order) > _ELIMINATION_COMPONENTS:
        return None
    budget = float("inf") if len(system.order) <= EXACT_COMPONENTS else CELL_BUDGET
    below = failure_probability(rest, budget)
    if below is None:
        return None
    good = 1.0 - below
    for node in taken:
        good *= 1.0 - system.unavailability[node]
    return 1.0 - good


__all__ = ["DRAWS", "ENUMERATED_EDGES", "Call", "Composed", "compose", "solve"]
