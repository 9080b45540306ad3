"""How much later every caller can answer when services that it waits for do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np

from sloengine.domain.topology.condensation import strong_components
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph


@dataclass(frozen=True)
class Rises:
    """Of the changed services and all that wait for them, by position in the graph.

    ``most``: milliseconds that it can answer later at any percentile, infinite: there is no limit.
    ``distances``: fewest calls to a changed service. ``through``: the dependency that most of it comes through;
    a changed service itself.
    """

    most: Mapping[int, float]
    distances: Mapping[int, int]
    through: Mapping[int, int]

    def path(self, position: int) -> list[int]:
        """From this service to a changed one, both included."""
        path = [position]
        while self.through[path[-1]] != path[-1]:
            path.append(self.through[path[-1]])
        return path


def rises(graph: DependencyGraph, moves: Mapping[int, float]) -> Rises:
    """Follow how much later services answer to all that wait for them.

    ``moves``: milliseconds >= 0 by position of the changed services, infinite: not known.

    A changed service answers as late as it is said to, whatever it waits for itself. What comes through the calls
    of one service is added up: with X' <= X + d for every dependency, a sum of calls, the slowest of calls and any
    mix of both grow by at most the sum of d, and so does every percentile. Stated attempts count as calls, each
    within the timeout; that more of them may time out than before is not in it. Services that wait for each other
    in a cycle that no changed objective cuts have no limit, unless timeouts set one.
    """
    distances, nearest = _waiting(graph, moves)
    affected = sorted(distances)
    place = {service: i for i, service in enumerate(affected)}
    calls = {
        service: [edge for edge in _awaited(graph, service) if graph.index[edge.dependency] in distances]
        for service in affected
        if service not in moves
    }
    ends = [
        (place[service], place[graph.index[edge.dependency]]) for service, edges in calls.items() for edge in edges
    ]
    columns = np.array(ends, np.int64).reshape(-1, 2)
    labels = strong_components(len(affected), columns[:, 0], columns[:, 1]).tolist()
    members: dict[int, list[int]] = {}
    for service, label in zip(affected, labels, strict=True):
        members.setdefault(label, []).append(service)
    below: dict[int, set[int]] = {label: set() for label in members}
    for caller, dependency in ends:
        if labels[caller] != labels[dependency]:
            below[labels[caller]].add(labels[dependency])
    most, through = dict(moves), {service: service for service in moves}
    for label in TopologicalSorter(below).static_order():  # dependencies first
        inside = [service for service in members[label] if service not in moves]
        if len(inside) > 1:
            comes_in = any(_added(graph, calls[service], most)[0] > 0.0 for service in inside)
            most.update(dict.fromkeys(inside, math.inf if comes_in else 0.0))
            cut = {service: _added(graph, calls[service], most)[0] for service in inside}
            most.update(cut)
            through.update({service: nearest[service] for service in inside})
        else:
            for service in inside:
                most[service], through[service] = _added(graph, calls[service], most)
    return Rises(most, distances, through)


def _waiting(graph: DependencyGraph, changed: Mapping[int, float]) -> tuple[dict[int, int], dict[int, int]]:
    """All that wait for a changed service: fewest calls to it, and the first of them."""
    distances, nearest = dict.fromkeys(changed, 0), {service: service for service in changed}
    frontier = list(changed)
    while frontier:
        reached: list[int] = []
        for service in frontier:
            for edge in graph.edges_by_dependency.get(graph.services[service].service_id, ()):
                caller = graph.index[edge.caller]
                if caller not in distances and _is_awaited(edge):
                    distances[caller], nearest[caller] = distances[service] + 1, service
                    reached.append(caller)
        frontier = reached
    return distances, nearest


def _awaited(graph: DependencyGraph, service: int) -> list[Dependency]:
    edges = graph.edges_by_caller.get(graph.services[service].service_id, ())
    return [edge for edge in edges if _is_awaited(edge)]


def _is_awaited(edge: Dependency) -> bool:
    return not edge.is_stale and edge.mode is not DependencyMode.ASYNC and edge.caller != edge.dependency


def _added(graph: DependencyGraph, calls: Sequence[Dependency], most: Mapping[int, float]) -> tuple[float, int]:
    """The most that these calls bring together, and the dependency that brings most of it.

    Dependencies that are not in ``most`` yet bring nothing.
    """
    total, largest, through = 0.0, -1.0, -1
    for edge in calls:
        dependency = graph.index[edge.dependency]
        if dependency not in most:
            continue
        each = most[dependency]
        if edge.timeout_ms is not None:
            each = min(each, float(edge.timeout_ms))
        part = each * math.ceil(max(1.0, edge.call_weight or 1.0)) * edge.attempts
        total += part
        if part > largest:
            largest, through = part, dependency
    return total, through
