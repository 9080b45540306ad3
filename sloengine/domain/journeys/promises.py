"""What a journey gets when services do no better than they promise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.route_system import solve_route
from sloengine.domain.topology.bound_promises import promise_of
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.graph_reliability import GraphReliability

DEPTH = 3
"""Calls away from an entry point that are followed where a journey has no routes."""


def promised_ratio(
    model: GraphReliability, journey: Journey, promises: Mapping[str, float], *, seed: int = 0
) -> float | None:
    """The journey's availability when services do no better than they promise, in [0, 1].

    Entry points count by their own failures, the promises of what they call cover all below. None: nobody on the
    way promised anything. Raises: KeyError, as ``compose_journey``.
    """
    if journey.routes:
        found = [
            promised_along(model, journey, position, promises, seed) for position in range(len(journey.routes))
        ]
        shares = journey.shares()
        kept = [
            solve_route(model, journey.entry_points, route.services, seed=seed).answer.probability
            for route in journey.routes
        ]
    else:
        bounds = [
            composite_bound(model, entry, max_depth=DEPTH, window=timedelta(days=28), promises=promises, seed=seed)
            for entry in journey.entry_points
        ]
        found = [bound.promised_ratio for bound in bounds]
        kept = [1.0 - bound.bound.observed_ratio for bound in bounds]
        requests = np.array([max(model.requests[model.graph.index[entry]], 0.0) for entry in journey.entry_points])
        whole = requests.sum()
        shares = tuple((requests / whole if whole > 0.0 else np.full(len(requests), 1.0 / len(requests))).tolist())
    if all(ratio is None for ratio in found):
        return None
    return 1.0 - sum(
        share * (seen if ratio is None else 1.0 - ratio)
        for share, seen, ratio in zip(shares, kept, found, strict=True)
    )


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
