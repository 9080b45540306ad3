"""The bound if every dependency did no better than it promises: a worst case, not a probability."""

from __future__ import annotations

from collections.abc import Mapping

from sloengine.domain.topology.bound_parts import beyond_depth, either
from sloengine.domain.topology.bound_system import bound_system
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.graph_reliability import GraphReliability


def promised(
    model: GraphReliability,
    position: int,
    component: int,
    depth: Mapping[int, int],
    own_part: float,
    promises: Mapping[str, float],
    seed: int,
) -> float | None:
    """The bound with every promising dependency exactly at its promise, which covers all that it calls."""
    own = list(model.own_unavailability)
    closed: set[int] = set()
    for other in depth:
        kept = [promise_of(model, service, promises) for service in model.members[other] if service != position]
        stated = [promise for promise in kept if promise is not None]
        if stated and other != component:
            own[other] = 1.0 - min(stated)
            closed.add(other)
    if not closed:
        return None
    made = bound_system(model, component, depth, own, joint=False, closed=frozenset(closed))
    rim = max(depth.values())
    open_rim = any(distance == rim and other not in closed for other, distance in depth.items())
    inherited = solve(made.system, seed=seed).probability
    if open_rim:
        inherited = either(inherited, beyond_depth(model, component, depth))
    return 1.0 - either(own_part, inherited)


def promise_of(model: GraphReliability, service: int, promises: Mapping[str, float]) -> float | None:
    """Availability in [0, 1] by active SLO, else the published figure with its unavailability raised by 10 %."""
    stated = model.graph.services[service]
    promise = promises.get(stated.service_id)
    if promise is not None:
        return promise
    figure = stated.published_availability_ratio
    return None if figure is None else max(0.0, 1.0 - (1.0 - figure) * 1.1)
