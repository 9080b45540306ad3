"""The steps of a journey in a part of the graph: services that its requests pass, and calls between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sloengine.domain.journeys.model import Journey

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class JourneySteps:
    """``calls``: (caller, dependency). ``services``: entry points among them."""

    services: frozenset[str]
    calls: frozenset[Pair]


def steps_of(journey: Journey, calls: Iterable[Pair]) -> JourneySteps:
    """Of these calls, those on the journey's way.

    With routes a call is a step where one route passes both ends. Without routes a request takes all that its
    entry points call, at whatever distance.
    """
    known = list(calls)
    if journey.routes:
        routes = [frozenset(route.services) for route in journey.routes]
        steps = frozenset(pair for pair in known if any(route.issuperset(pair) for route in routes))
        return JourneySteps(frozenset(journey.named), steps)
    called: dict[str, list[str]] = {}
    for caller, dependency in known:
        called.setdefault(caller, []).append(dependency)
    reached = _reached(journey.entry_points, called)
    return JourneySteps(reached, frozenset(pair for pair in known if pair[0] in reached))


def _reached(starts: Sequence[str], called: dict[str, list[str]]) -> frozenset[str]:
    seen = dict.fromkeys(starts)
    frontier = list(seen)
    for service in frontier:
        for dependency in called.get(service, ()):
            if dependency not in seen:
                seen[dependency] = None
                frontier.append(dependency)
    return frozenset(seen)
