"""Small graphs: what a component inherits, exactly, by the engine that composite bounds are solved with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sloengine.domain.impact.network import FailureNetwork, FloatArray
from sloengine.domain.topology.bound_system import share_failures
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE
from sloengine.domain.topology.composition import EXACT_COMPONENTS, solve
from sloengine.domain.topology.system import Call, Group, System, reachable_in_order


def is_small(network: FailureNetwork) -> bool:
    """Whether all of the graph is solved exactly."""
    return network.size <= EXACT_COMPONENTS


def inherited_exactly(network: FailureNetwork, component: int, own: FloatArray) -> float:
    """Probability that failure from below reaches a component. ``own``: hazards of all of them, shape (size,)."""
    unavailability: list[float] = (-np.expm1(-own)).tolist()
    unavailability[component] = 0.0
    calls: list[list[Call] | tuple[Call, ...]] = [list(found) for found in network.contracted.calls]
    groups: list[list[Group] | tuple[Group, ...]] = [list(found) for found in network.contracted.groups]
    stands_for: dict[int, tuple[int, ...]] = {}
    for members in _replicas(network.contracted.groups):
        if component not in members:
            common = DEFAULT_COMMON_CAUSE * min(unavailability[member] for member in members)
            share_failures(members, common, unavailability, calls, groups, stands_for)
    order = reachable_in_order(component, calls, groups)
    return solve(System(component, unavailability, calls, groups, order), seed=network.seed).probability


def _replicas(groups: Sequence[Sequence[Group]]) -> list[tuple[int, ...]]:
    found = {tuple(sorted({call.dependency for call in group.calls})) for listed in groups for group in listed}
    return sorted(members for members in found if len(members) > 1)
