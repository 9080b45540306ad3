"""How long a journey's requests wait, composed along its routes, where nothing is measured at its entry point.

An entry point without a histogram (a browser, a gateway without server metrics) has calls all the same. From it
down the route each service that measures latency is taken whole, as measured; one that does not is passed through,
because its own time is not known. Requests are drawn day by day: all that one waits for from the same day, each
call of the route at least once, one after another. So the answer is the most that the calls take, and leaves out
what unmeasured services take themselves; both is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sloengine.domain.journeys.left_out import first_of, left_out
from sloengine.domain.journeys.model import Journey
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory
from sloengine.domain.topology.call_waits import is_awaited
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.latency_along_calls import (
    MOST_CALLS_OF_ONE,
    CallPlan,
    LatencyAlongCalls,
    LatencyTable,
    TimedCall,
)
from sloengine.domain.topology.measured_draws import on_same_days

DRAWS_A_DAY = 4_000
_LEAST_DRAWS_A_DAY = 500
_SEED = 0


class _NotKnown(Exception):
    """Says why a route's latency cannot be composed."""


@dataclass(frozen=True)
class _Way:
    """What requests enter by and pass. ``services`` None: whatever the entry points call."""

    share: float
    starts: tuple[str, ...]
    services: frozenset[str] | None


def route_latency(
    journey: Journey, graph: DependencyGraph, histories: Mapping[str, LatencyHistory]
) -> tuple[LatencyHistory | None, str]:
    """Daily histograms composed along the routes, and what has to be said of them; None with the reason.

    ``histories``: of the services on the routes and of what they wait for, where there are any. Deterministic.
    """
    known = on_same_days({name: one for name, one in histories.items() if not one.percentiles_only})
    ways = list(_ways(journey))
    draws = max(_LEAST_DRAWS_A_DAY, DRAWS_A_DAY // len(ways))
    try:
        parts = [(way.share, *_composed(way, journey, graph, known, draws)) for way in ways]
    except _NotKnown as error:
        return None, str(error)
    bounds = np.unique(np.concatenate([bounds for _, bounds, _, _, _ in parts]))
    first = next(iter(known.values()))
    days = len(first.counts)
    counts = np.zeros((days, len(bounds)))
    for share, _, seconds, traffic, _ in parts:
        buckets = np.searchsorted(bounds, seconds)
        for day in range(days):
            found = np.bincount(buckets[day], minlength=len(bounds))[: len(bounds)]
            counts[day] += share * traffic[day] * found / seconds.shape[1]
    for _, _, seconds, traffic, _ in parts:
        counts[np.isnan(seconds).any(axis=1) | ~(traffic > 0.0)] = np.nan
    if not np.isfinite(counts).any():
        return (
            None,
            f"The services on the way of journey {journey.name} have no day of latency histograms in common.",
        )
    silent = tuple(dict.fromkeys(name for *_, names in parts for name in names))
    said = (
        f"no latency histogram of {first_of(silent)}: latency is composed of what requests wait for below, one"
        " call after another, each day by itself; what they take themselves is not in it, and calls side by side"
        " take less"
    )
    if missing := _not_waited_for(journey, graph, frozenset(silent)):
        said += (
            f"; no route lists {first_of(missing)}, which they call for every other request at least, or nobody"
            " knows how often: what requests wait for it is not in it either"
        )
    return LatencyHistory(journey.name, first.start_at, bounds, counts), said


def _not_waited_for(journey: Journey, graph: DependencyGraph, silent: Collection[str]) -> list[str]:
    """What services that are passed unmeasured mostly call and no route lists; measured ones hold it already."""
    routes = range(len(journey.routes))
    found = dict.fromkeys(name for position in routes for name in left_out(graph, journey, position))
    return [name for name in found if any(e.caller in silent for e in graph.edges_by_dependency.get(name, ()))]


def _ways(journey: Journey) -> Iterator[_Way]:
    if not journey.routes:
        for entry in journey.entry_points:
            yield _Way(1.0 / len(journey.entry_points), (entry,), None)
    for route, share in zip(journey.routes, journey.shares(), strict=True):
        starts = [entry for entry in journey.entry_points if entry in route.services] or list(journey.entry_points)
        for entry in starts:
            yield _Way(share / len(starts), (entry,), frozenset((*starts, *route.services)))


def _composed(
    way: _Way, journey: Journey, graph: DependencyGraph, histories: Mapping[str, LatencyHistory], draws: int
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[str, ...]]:
    """Bounds, seconds of requests by day, requests of each day, and services that are passed unmeasured."""
    plans: dict[str, CallPlan] = {}
    measured: dict[str, None] = {}
    root = way.starts[0]
    _plan(root, way, journey, graph, histories, plans, measured, ())
    chosen = {name: histories[name] for name in measured}
    days = len(next(iter(chosen.values())).counts)
    tables = {
        name: LatencyTable.of_histograms(one.bounds_seconds, np.nan_to_num(one.counts))
        for name, one in chosen.items()
    }
    nothing = LatencyTable(np.array([0.0, 1.0]), np.zeros((days, 2)))
    seconds = np.full((days, draws), np.nan)
    for day in np.flatnonzero(np.logical_and.reduce([table.known for table in tables.values()])).tolist():
        of_day = {name: _of_day(table, day) for name, table in tables.items()}
        along = LatencyAlongCalls({**dict.fromkeys(plans, _of_day(nothing, 0)), **of_day}, plans)
        rng = np.random.default_rng([_SEED, day])
        seconds[day] = along.draw(root, draws, rng).seconds
    # Nobody counted the requests of the way; those of the least asked service on it are at most as many.
    asked = np.array([np.nan_to_num(one.counts).sum(axis=1) for one in chosen.values()], np.float64)
    bounds = np.concatenate([one.bounds_seconds for one in chosen.values()])
    return bounds, seconds, np.asarray(asked.min(axis=0), np.float64), tuple(plans)


def _of_day(table: LatencyTable, day: int) -> LatencyTable:
    levels = table.levels if table.levels.ndim == 1 else table.levels[day : day + 1]
    return LatencyTable(levels, table.seconds[day : day + 1])


def _plan(
    service: str,
    way: _Way,
    journey: Journey,
    graph: DependencyGraph,
    histories: Mapping[str, LatencyHistory],
    plans: dict[str, CallPlan],
    measured: dict[str, None],
    above: tuple[str, ...],
) -> None:
    """Down to the first services that measure latency."""
    if service in histories:
        measured[service] = None
        return
    if service in above:
        raise _NotKnown(f"{' → '.join((*above, service))} wait for each other, and none of them has a histogram.")
    if service in plans:
        return
    calls = [
        edge
        for edge in graph.edges_by_caller.get(service, ())
        if is_awaited(edge) and (way.services is None or edge.dependency in way.services)
    ]
    if not calls:
        raise _NotKnown(
            f"No latency histogram of {service}, and no call of journey {journey.name} that it waits for: how long"
            " its requests take is not known. Collect one with bounds near the target."
        )
    plans[service] = CallPlan(tuple((_call(edge, way),) for edge in calls))
    for edge in calls:
        _plan(edge.dependency, way, journey, graph, histories, plans, measured, (*above, service))


def _call(edge: Dependency, way: _Way) -> TimedCall:
    weight = 1.0 if edge.call_weight is None else edge.call_weight
    if weight > MOST_CALLS_OF_ONE:
        raise _NotKnown(f"{edge.caller} calls {edge.dependency} {weight:g} times for a request: a loop.")
    weight = weight if way.services is None else max(1.0, weight)
    if edge.timeout_ms is None:
        return TimedCall(edge.dependency, weight)
    tries = max(1.0, weight) * edge.attempts
    if tries > MOST_CALLS_OF_ONE:
        said = f"{edge.caller} may try {edge.dependency} {tries:g} times for a request"
        raise _NotKnown(f"{said}: too many to follow.")
    return TimedCall(edge.dependency, weight, edge.timeout_ms / 1000.0, edge.attempts)
