"""What a journey gets when services do no better than they promise."""

from __future__ import annotations

from collections.abc import Mapping

from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.route_system import solve_route
from sloengine.domain.topology.bound_promises import promise_of
from sloengine.domain.topology.graph_reliability import GraphReliability

DEPTH = 3
"""Calls away from an entry point that are followed where a journey has no routes."""


def promised_along(
    model: GraphReliability, journey: Journey, position: int, promises: Mapping[str, float], seed: int
) -> float | None:
    """One route with each service that promised something at its promise; None: nobody did."""
    route = journey.routes[position]
    index, labels = model.graph.index, model.contracted.labels
    entries = {labels[index[entry]] for entry in journey.entry_points}
    own = list(model.own_unavailability)
    stated: dict[int, float] = {}
    for service in route.services:
        component = labels[index[service]]
        promise = promise_of(model, index[service], promises)
        if promise is not None and component not in entries:
            stated[component] = min(promise, stated.get(component, 1.0))
    if not stated:
        return None
    for component, promise in stated.items():
        own[component] = 1.0 - promise
    solved = solve_route(model, journey.entry_points, route.services, own=own, closed=frozenset(stated), seed=seed)
    return 1.0 - solved.answer.probability
