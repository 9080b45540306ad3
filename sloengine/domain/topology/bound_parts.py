"""What a root fails by itself and what it inherits, from a solved system and from what it showed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sloengine.domain.topology.bound_system import BoundSystem
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.failed_calls import FloatArray
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.pass_through_limits import FAILED_WINDOWS

# Watched as long as another: at least this part of its intervals have data.
_WATCHED = 0.9


def either(first: float, second: float) -> float:
    """P(A or B) of two independent events."""
    return first + second - first * second


def beyond_depth(model: GraphReliability, component: int, depth: Mapping[int, int]) -> float:
    """Unavailability from further below than the subgraph goes, each component counted once."""
    return float(-np.expm1(-float(hazards_beyond(model, component, depth).sum())))


def hazards_beyond(model: GraphReliability, component: int, depth: Mapping[int, int]) -> FloatArray:
    """Hazard that reaches ``component`` from each component that is not in its subgraph."""
    below = model.intrinsic.reach[component].times(model.hazard_below)
    below[list(depth)] = 0.0
    return below


def joint_inherited(model: GraphReliability, made: BoundSystem, answer: ScenarioAnswer, beyond: float) -> float:
    """Inherited unavailability with failures joint in time: at most their sum, at least the largest."""
    plain = either(answer.probability, beyond)
    reaching = [
        (made.stands_for.get(c, (c,))[0], made.system.unavailability[c], phi)
        for c, phi in answer.reach.items()
        if phi > 0.0 and made.system.unavailability[c] > 0.0
    ]
    if len(reaching) < 2:
        return plain
    components, unavailability, phi = (np.array(column) for column in zip(*reaching, strict=True))
    overlap = model.profile.overlap(components.astype(np.int64), unavailability, phi)
    largest = float((unavailability * phi).max())
    total = float((unavailability * phi).sum()) + max(0.0, answer.probability) + beyond
    return min(1.0, total, max(largest, plain * overlap))


def own_unavailability(model: GraphReliability, position: int, component: int, inherited: float) -> float:
    """The root's own failure: what it showed less what it inherits, from sums, cut once."""
    if len(model.members[component]) > 1:
        return -float(np.expm1(-model.intrinsic.own_hazard[component]))
    shown = float(model.shown[position])
    if not np.isfinite(shown) or inherited >= 1.0:
        return 0.0
    return max(0.0, 1.0 - (1.0 - shown) / (1.0 - inherited))


def watched_as_long(model: GraphReliability, position: int, depth: Mapping[int, int]) -> bool:
    """Whether the root was watched as long as what lies below it: its record then holds what it inherited."""
    below = [service for component in depth for service in model.members[component] if service != position]
    longest = max((int(model.intervals[service]) for service in below), default=0)
    enough = model.intervals[position] >= max(FAILED_WINDOWS, _WATCHED * longest)
    return bool(enough and np.isfinite(model.shown[position]))


def own_and_inherited(observed: float, own_share: float) -> tuple[float, float]:
    """Own and inherited unavailability that compose to the observed one, by their shares of what failed."""
    inherited = observed * (1.0 - own_share)
    own = max(0.0, 1.0 - (1.0 - observed) / (1.0 - inherited)) if inherited < 1.0 else 0.0
    return own, inherited


def direct_limit(model: GraphReliability, position: int) -> tuple[float, int]:
    """What the worst single direct dependency costs, q·f·u, whatever else is known; and which one that is."""
    worst, which = 0.0, position
    for edge in model.edges_of[position]:
        dependency = model.edges[edge]
        called = model.graph.index[dependency.dependency]
        shown = float(model.shown[called])
        cost = float(model.probability[edge]) * shown
        if dependency.redundancy_group is None and np.isfinite(shown) and cost > worst:
            worst, which = cost, called
    return worst, which
