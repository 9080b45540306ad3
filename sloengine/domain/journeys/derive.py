"""Journeys that nobody has written down: read off the graph, or off traces of whole requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sloengine.domain.journeys.model import (
    MOST_NAME_CHARACTERS,
    MOST_ROUTES,
    MOST_SERVICES_OF_ROUTE,
    JourneyRoute,
)
from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.graph import DependencyGraph

USER = "user"
"""What telemetry of service graphs calls a caller without spans."""
EVERY_REQUEST = 0.5
"""Calls per request from which on a call is on every route; rarer ones of an entry point make their own."""
_SMALLEST_WEIGHT = 0.01


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One request. ``services``: those it passed, ``root`` among them; ``operation`` may be empty: not named."""

    root: str
    operation: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JourneyDraft:
    """A journey that could be saved. ``notes``: what was left out, in words."""

    name: str
    entry_points: tuple[str, ...]
    routes: tuple[JourneyRoute, ...]
    notes: tuple[str, ...] = ()


def derive_from_graph(graph: DependencyGraph) -> tuple[JourneyDraft, ...]:
    """A journey for each entry point, which is a service that calls others and that nobody calls but a user.

    Only calls that are waited for count, and none that is stale. Calls made by half of the requests or more (or of
    unknown weight) are on every route, with all that they call that often; each rarer call of the entry point
    makes a route with its weight, what is left of the requests one without any of them. Rarer calls further down
    are on no route: most requests do not make them.
    """
    calls: dict[str, list[tuple[str, float]]] = {}
    called: set[str] = set()
    for edge in graph.dependencies:
        if edge.is_stale:
            continue
        if edge.caller != USER:
            called.add(edge.dependency)
        if edge.mode is DependencyMode.SYNC:
            weight = 1.0 if edge.call_weight is None else edge.call_weight
            calls.setdefault(edge.caller, []).append((edge.dependency, weight))
    entries = sorted(
        service.service_id
        for service in graph.services
        if service.service_id in calls
        and service.service_id not in called
        and service.service_id != USER
        and not service.external
    )
    return tuple(_from_entry(entry, calls) for entry in entries)


def _from_entry(entry: str, calls: dict[str, list[tuple[str, float]]]) -> JourneyDraft:
    always = _followed([entry], calls)
    rare = sorted(
        (called, weight) for called, weight in calls[entry] if weight < EVERY_REQUEST and called not in always
    )
    rare.sort(key=lambda pair: -pair[1])
    listed = [pair for pair in rare if pair[1] >= _SMALLEST_WEIGHT][: MOST_ROUTES - 1]
    routes = [
        JourneyRoute(called, weight, _cut((*always, *_followed([called], calls)))) for called, weight in listed
    ]
    rest = 1.0 - sum(weight for _, weight in listed)
    if rest >= _SMALLEST_WEIGHT or not routes:
        routes.insert(0, JourneyRoute("every request", max(rest, _SMALLEST_WEIGHT), _cut(always)))
    notes = []
    if len(listed) < len(rare):
        notes.append(f"{len(rare) - len(listed)} rare calls of {entry} make no route of their own")
    return JourneyDraft(entry, (entry,), tuple(routes), tuple(notes))


def _followed(starts: Sequence[str], calls: dict[str, list[tuple[str, float]]]) -> tuple[str, ...]:
    """The services, and all that they call at least half of the time, callers before what they call."""
    found = dict.fromkeys(starts)
    frontier = list(starts)
    for service in frontier:
        for called, weight in sorted(calls.get(service, ())):
            if weight >= EVERY_REQUEST and called not in found:
                found[called] = None
                frontier.append(called)
    return tuple(found)


def derive_from_traces(requests: Sequence[TracedRequest], known: Collection[str]) -> tuple[JourneyDraft, ...]:
    """A journey for each first service and operation, with a route for each set of services that requests passed.

    ``known``: services of the graph; others are left out and named in the notes. Weights are shares of the traces,
    which are a sample: sources keep slow and failed requests sooner than others.
    """
    by_journey: dict[tuple[str, str], Counter[tuple[str, ...]]] = {}
    unknown: dict[tuple[str, str], set[str]] = {}
    for request in requests:
        if request.root not in known:
            continue
        key = request.root, request.operation
        inside = (request.root, *sorted({one for one in request.services if one in known and one != request.root}))
        by_journey.setdefault(key, Counter())[inside] += 1
        unknown.setdefault(key, set()).update(one for one in request.services if one not in known)
    return tuple(_from_counts(key, counts, sorted(unknown[key])) for key, counts in sorted(by_journey.items()))


def _from_counts(key: tuple[str, str], counts: Counter[tuple[str, ...]], unknown: Sequence[str]) -> JourneyDraft:
    root, operation = key
    whole = counts.total()
    kept = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_ROUTES]
    routes = tuple(
        JourneyRoute(f"route {position}", count / whole, _cut(services))
        for position, (services, count) in enumerate(kept, 1)
    )
    notes = [f"weights are shares of {whole} traces"]
    if unknown:
        notes.append(f"not in the graph, so left out: {', '.join(unknown)}")
    if len(kept) < len(counts):
        notes.append(f"{len(counts) - len(kept)} rarer routes are left out")
    return JourneyDraft(_name(root, operation), (root,), routes, tuple(notes))


def _name(root: str, operation: str) -> str:
    """Printable, and short enough for a journey's name."""
    wished = " ".join(f"{root}: {operation}".split()) if operation else root
    return "".join(one for one in wished if one.isprintable())[:MOST_NAME_CHARACTERS].strip()


def _cut(services: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(services))[:MOST_SERVICES_OF_ROUTE]
