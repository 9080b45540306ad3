"""Journeys that nobody has written down: read off the graph, or off traces of whole requests."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sloengine.domain.journeys.model import (
    MOST_NAME_CHARACTERS,
    MOST_ROUTES,
    MOST_SERVICES_OF_ROUTE,
    JourneyRoute,
)
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.name_decisions import NOTHING_REMEMBERED, RememberedNames, resolve_all
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules, Resolved

USER = "user"
"""What telemetry of service graphs calls a caller without spans."""
EVERY_REQUEST = 0.5
"""Calls per request from which on a call is on every route; rarer ones of an entry point make their own."""
_SMALLEST_WEIGHT = 0.01
_DIGEST_CHARACTERS = 8
_MOST_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class TracedRequest:
    """One request, in the names of its trace. ``services``: those it passed, ``root`` among them.

    ``operation`` may be empty: not named.
    """

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


@dataclass(frozen=True, slots=True)
class TracedJourneys:
    """Journeys that traces show. ``warnings``: requests that make none, and why."""

    drafts: tuple[JourneyDraft, ...]
    warnings: tuple[str, ...] = ()


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


def derive_from_traces(
    requests: Sequence[TracedRequest],
    known: Collection[str],
    rules: NameRules = DEFAULT_NAME_RULES,
    remembered: RememberedNames = NOTHING_REMEMBERED,
) -> TracedJourneys:
    """A journey for each first service and operation, with a route for each set of services that requests passed.

    Weights are shares of the operation's requests among ``requests``, those that called nobody among them. An
    operation whose requests never passed another service makes no journey: its promise is the service's own.

    ``known``: services of the graph. ``rules``, ``remembered``: how names of traces become service ids, as for
    discovery; a name that is a service's id stands for it. What is left out is said, in the draft's notes or in
    the warnings.
    """
    names = (name for request in requests for name in (request.root, *request.services))
    together = resolve_all(DiscoverySource.OTEL, names, rules, known, remembered)
    resolved = together.by_name
    by_journey: dict[tuple[str, str], Counter[tuple[str, ...]]] = {}
    unknown: dict[tuple[str, str], set[str]] = {}
    lost: Counter[str] = Counter()
    for request in requests:
        root = resolved[request.root].service_id
        if root is None or root not in known:
            lost[request.root] += 1
            continue
        key = root, request.operation
        meant = {name: resolved[name].service_id for name in request.services}
        passed = {one for one in meant.values() if one is not None and one in known and one != root}
        by_journey.setdefault(key, Counter())[(root, *sorted(passed))] += 1
        unknown.setdefault(key, set()).update(name for name, one in meant.items() if one not in known)
    names_of = _names(by_journey)
    drafts = [
        _from_counts(key[0], names_of[key], counts, sorted(unknown[key]))
        for key, counts in sorted(by_journey.items())
        if unknown[key] or any(len(services) > 1 for services in counts)
    ]
    return TracedJourneys(
        tuple(drafts), (*together.warnings, *_lost(lost, resolved), *_alone(len(by_journey) - len(drafts)))
    )


def _lost(lost: Counter[str], resolved: Mapping[str, Resolved]) -> list[str]:
    """One warning for each name that requests began at and that is no service, those with most requests first."""
    said = []
    for name, count in sorted(lost.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_WARNINGS]:
        one = resolved[name]
        what = (
            f"is no service, by rule {one.rule}"
            if one.service_id is None
            else "is not in the graph"
            if one.service_id == name
            else f"means {one.service_id}, by rule {one.rule}, which is not in the graph"
        )
        said.append(
            f"{name} {what}, so {count} of the traces, which begin there, make no journey. "
            "Register the service, or give the name an alias."
        )
    if len(lost) > len(said):
        said.append(f"{len(lost) - len(said)} more names that traces begin at are not in the graph.")
    return said


def _alone(count: int) -> list[str]:
    if not count:
        return []
    return [f"operations that called no other service and so make no journey: {count}"]


def _from_counts(root: str, name: str, counts: Counter[tuple[str, ...]], unknown: Sequence[str]) -> JourneyDraft:
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
    return JourneyDraft(name, (root,), routes, tuple(notes))


def _names(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A name for each first service and operation: printable, short enough, and no two the same.

    A name that had to be cut, or that two would have, ends in a digest of all that it stands for.
    """
    wished = {key: _printable(*key) for key in keys}
    shared = Counter(wished.values())
    return {
        key: name if len(name) <= MOST_NAME_CHARACTERS and shared[name] == 1 else _with_digest(name, key)
        for key, name in wished.items()
    }


def _printable(root: str, operation: str) -> str:
    wished = " ".join(f"{root}: {operation}".split()) if operation else root
    return "".join(one for one in wished if one.isprintable()).strip()


def _with_digest(name: str, key: tuple[str, str]) -> str:
    digest = hashlib.sha256("\x00".join(key).encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: MOST_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1].strip()} {digest}"


def _cut(services: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(services))[:MOST_SERVICES_OF_ROUTE]
