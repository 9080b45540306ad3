"""From a dependency graph to the network that impact is worked out on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array

from sloengine.domain.impact.network import Edges, FailureNetwork, FloatArray, IntArray, Step
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.pass_through import declared_pass_through
from sloengine.domain.topology.system import Call, Contracted, Group, contract, edge_key, pass_probability


def failure_network(
    graph: DependencyGraph,
    request_totals: FloatArray | None = None,
    *,
    pass_through: Mapping[tuple[str, str], float] | None = None,
    seed: int = 0,
) -> FailureNetwork:
    """Build it; stale dependencies are left out, and calls that pass nothing on.

    ``request_totals``: requests that each service was seen to get over the same time, NaN: not known. A call
    whose weight nobody stated counts once per request, or less where the dependency's traffic leaves no room.
    ``pass_through``: what bounds are computed with where that was found, by (caller, dependency); as declared
    elsewhere.
    """
    found = pass_through or {}
    kept = [edge for edge in graph.dependencies if not edge.is_stale and edge.caller != edge.dependency]
    index = graph.index
    plain: list[Call] = []
    grouped: dict[tuple[int, str], tuple[list[Call], int]] = {}
    for edge in kept:
        caller, dependency = index[edge.caller], index[edge.dependency]
        weight = edge.call_weight
        if weight is None:
            weight = 1.0
            if request_totals is not None and edge.redundancy_group is None and request_totals[caller] > 0.0:
                room = float(request_totals[dependency] / request_totals[caller])
                weight = min(1.0, room) if room > 0.0 else 1.0
        share = found.get(edge.pair)
        share = declared_pass_through(edge) if share is None else share
        call = Call(caller, dependency, pass_probability(share, weight), edge_key(*edge.pair))
        if edge.redundancy_group is None:
            plain.append(call)
        else:
            members, required = grouped.get((caller, edge.redundancy_group), ([], 1))
            grouped[caller, edge.redundancy_group] = ([*members, call], max(required, edge.required or 1))
    contracted = contract(len(graph.services), plain, list(grouped.values()))
    labels = np.array(contracted.labels, np.int64)
    level = _levels(contracted)
    # A group that no member may fail is as many plain calls.
    every = plain + [
        call
        for members, required in grouped.values()
        if required >= len(members)
        for call in members
        if call.probability > 0.0
    ]
    edges = _edges([call for call in every if call.probability > 0.0], labels, level)
    return FailureNetwork(
        graph,
        labels,
        contracted,
        level,
        edges,
        _steps(edges, contracted, level),
        _callers_of(len(labels), plain + [call for members, _ in grouped.values() for call in members]),
        seed,
        found,
    )


def _callers_of(size: int, calls: Sequence[Call]) -> csr_array:
    passing = [call for call in calls if call.probability > 0.0]
    ends = ([call.dependency for call in passing], [call.caller for call in passing])
    return csr_array((np.ones(len(passing), np.int8), ends), shape=(size, size))


def _levels(contracted: Contracted) -> IntArray:
    level = [0] * len(contracted.calls)
    for component in reversed(contracted.order):
        below = [level[call.dependency] for call in contracted.calls[component]]
        below += [level[call.dependency] for group in contracted.groups[component] for call in group.calls]
        level[component] = 1 + max(below, default=-1)
    return np.array(level, np.int64)


def _edges(calls: list[Call], labels: IntArray, level: IntArray) -> Edges:
    from_services = np.array([call.caller for call in calls], np.int64)
    to_services = np.array([call.dependency for call in calls], np.int64)
    callers, dependencies = labels[from_services], labels[to_services]
    order = np.lexsort((dependencies, callers, level[callers]))
    order = order[(callers != dependencies)[order]]
    return Edges(
        callers[order],
        dependencies[order],
        from_services[order],
        to_services[order],
        np.array([call.probability for call in calls])[order],
        np.array([call.key for call in calls], np.uint64)[order],
    )


def _steps(edges: Edges, contracted: Contracted, level: IntArray) -> tuple[Step, ...]:
    groups: Mapping[int, list[Group]] = {c: found for c, found in enumerate(contracted.groups) if found}
    of_level: dict[int, list[Group]] = {}
    for component, found in groups.items():
        of_level.setdefault(int(level[component]), []).extend(found)
    bounds = np.searchsorted(level[edges.callers], np.arange(int(level.max(initial=0)) + 2))
    steps: list[Step] = []
    number = 0
    for height in range(1, len(bounds) - 1):
        first, last = int(bounds[height]), int(bounds[height + 1])
        callers, starts = np.unique(edges.callers[first:last], return_index=True)
        numbered = tuple(enumerate(of_level.get(height, ()), start=number))
        number += len(numbered)
        steps.append(Step(slice(first, last), starts.astype(np.int64), callers, numbered))
    return tuple(steps)
