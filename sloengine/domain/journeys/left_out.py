"""What a route leaves out although its services mostly call it: lists made by hand are short.

Calls per request are known of all requests of a service, not of a route's alone: a call that is made for most of
them may be another journey's. So nothing is added to a route; what is left out is named.
"""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.journeys.derive import EVERY_REQUEST
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.reliability.percent import percent_text
from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.graph import DependencyGraph

_NAMED = 3
# Availability, as a ratio, that is not worth a sentence.
_SMALLEST_LOSS = 5e-6


def entries_of(journey: Journey, position: int) -> tuple[str, ...]:
    """Entry points that requests on a route enter by: those that it lists, else all."""
    services = journey.routes[position].services
    return tuple(entry for entry in journey.entry_points if entry in services) or journey.entry_points


def left_out(graph: DependencyGraph, journey: Journey, position: int) -> tuple[str, ...]:
    """Services below the route at ``position`` that none of the journey's routes lists, callers first.

    Followed are calls that are waited for and made for every other request at least, or nobody knows how often;
    not those to members of a redundancy group of which the route lists another.
    """
    route = journey.routes[position]
    starts = entries_of(journey, position)
    listed = {*starts, *route.services}
    elsewhere = {service for other in journey.routes for service in other.services} - listed
    found: dict[str, None] = {}
    frontier = list(dict.fromkeys([*starts, *route.services]))
    for service in frontier:
        edges = graph.edges_by_caller.get(service, ())
        used = {edge.redundancy_group for edge in edges if edge.dependency in listed} - {None}
        for edge in edges:
            name = edge.dependency
            is_made = not edge.is_stale and (edge.call_weight is None or edge.call_weight >= EVERY_REQUEST)
            is_passed = name in listed or name in found or name in elsewhere or edge.redundancy_group in used
            if is_made and not is_passed and edge.mode is not DependencyMode.ASYNC:
                found[name] = None
                frontier.append(name)
    return tuple(found)


def said_of_left_out(route: JourneyRoute, missing: Sequence[str], before: float, after: float) -> str | None:
    """What to tell of it; None: it makes next to no difference.

    ``before``: mean availability of requests on the route, in [0, 1]; ``after``: if they pass what is missing too.
    """
    if before - after < _SMALLEST_LOSS:
        return None
    return (
        f"No route lists {first_of(missing)}, but services on route {route.name} call it, or what calls it, for"
        " every other request at least, or nobody knows how often. What it fails is not in it: if requests on the"
        f" route pass it, they get {percent_text(after, 3)} and not {percent_text(before, 3)} on the average. List"
        " it on the routes that pass it."
    )


def first_of(names: Sequence[str]) -> str:
    """Some names in a sentence."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
