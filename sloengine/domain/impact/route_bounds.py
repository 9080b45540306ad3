"""What requests on one route of a journey get, before and after a change: by the services that they pass only.

The route's services, the calls between them, all made (the route says so), and a request that needs the entry
points: on that graph promises, own failures and what is absorbed are worked out as on the whole one. What a
service inherits from beyond the route counts as its own: objectives are promised to all requests of a service.
What a route leaves out is passed all the same, as far as a change comes through it, where the route's services
call it for every other request at least, or nobody knows how often; unless another route of the journey lists
it: then routes tell it apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.impact.analyse import Followed
from sloengine.domain.impact.availability import availability_impact
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.network import FloatArray
from sloengine.domain.impact.stated import PROMISED, learn_standing
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

MADE_BY_MOST = 0.5
"""Calls per request from which on a call is on every route, as for journeys read off the graph."""
MOST_SERVICES = 500
_REQUEST = "\0request"  # no service can be called that


@dataclass(frozen=True, slots=True)
class RouteBound:
    """Availability in [0, 1]. ``changed``: services that requests on the route pass and whose objectives change;
    ``unlisted``: those of them that the route leaves out.
    """

    before: float
    after: float
    changed: tuple[str, ...]
    unlisted: tuple[str, ...] = ()


def route_bound(
    followed: Followed,
    seen: FloatArray,
    starts: Sequence[str],
    services: Collection[str],
    elsewhere: Collection[str] = (),
) -> RouteBound | None:
    """Bound of the requests on a route; before and after are the same where it passes nothing that changes.

    Parameters:
        seen: unavailability that each service of the whole graph showed, by position; NaN: not known.
        starts: entry points that the requests enter by.
        services: those that the route lists; such that the graph does not know are left out.
        elsewhere: services that other routes of the journey list.

    None: more than ``MOST_SERVICES`` would have to be looked at.
    """
    whole = followed.basis.network.graph
    listed = dict.fromkeys([*starts, *sorted(service for service in services if service in whole.index)])
    passed = _with_left_out(followed, listed, set(elsewhere))
    if len(passed) > MOST_SERVICES:
        return None
    inside = _with_stand_ins(whole, passed)
    calls = [
        replace(edge, call_weight=max(1.0, edge.call_weight or 1.0)) if edge.dependency in listed else edge
        for service in inside
        for edge in whole.edges_by_caller.get(service, ())
        if edge.dependency in inside and not edge.is_stale
    ]
    needed = [*starts, *_unconnected(calls, starts, passed)]
    request = [Dependency(_REQUEST, service, call_weight=1.0) for service in dict.fromkeys(needed)]
    graph = DependencyGraph((Service(_REQUEST), *(Service(name) for name in inside)), (*request, *calls))
    places = np.array([whole.index[name] for name in inside], np.int64)
    held = followed.basis.standing.promises[places]
    promised = np.where(held > 0.0, -np.expm1(-held), np.nan)
    network = failure_network(graph, pass_through=followed.basis.network.pass_through)
    standing = learn_standing(network, np.r_[0.0, seen[places]], np.r_[np.nan, promised])
    changed = {
        graph.index[name]: target.availability_ratio
        for name, target in followed.proposed.items()
        if name in passed and target.availability_ratio is not None
    }
    named = tuple(graph.services[place].service_id for place in changed)
    if not changed:
        only = float(np.exp(-standing.inherited[network.labels[0], PROMISED]))
        return RouteBound(only, only, ())
    impact = availability_impact(network, standing, changed)
    unlisted = tuple(name for name in named if name not in listed)
    return RouteBound(1.0 - float(impact.before[0]), 1.0 - float(impact.after[0]), named, unlisted)


def _with_left_out(followed: Followed, listed: Mapping[str, None], elsewhere: set[str]) -> Mapping[str, None]:
    """The listed services, and those below them through which a change comes though the route leaves them out."""
    graph = followed.basis.network.graph
    found, frontier = dict.fromkeys(listed), list(listed)
    while frontier and len(found) <= MOST_SERVICES:
        for edge in graph.edges_by_caller.get(frontier.pop(), ()):
            name = edge.dependency
            is_made = not edge.is_stale and (edge.call_weight is None or edge.call_weight >= MADE_BY_MOST)
            if name in found or name in elsewhere or not is_made:
                continue
            if name in followed.proposed or followed.is_affected_caller(graph.index[name]):
                found[name] = None
                frontier.append(name)
    return found


def _with_stand_ins(graph: DependencyGraph, passed: Mapping[str, None]) -> list[str]:
    """Members of a redundancy group that are not on the route go on standing in."""
    found = dict.fromkeys(passed)
    for service in passed:
        edges = [edge for edge in graph.edges_by_caller.get(service, ()) if edge.redundancy_group is not None]
        used = {edge.redundancy_group for edge in edges if edge.dependency in passed}
        found.update(dict.fromkeys(edge.dependency for edge in edges if edge.redundancy_group in used))
    return list(found)


def _unconnected(calls: Sequence[Dependency], starts: Sequence[str], passed: Mapping[str, None]) -> list[str]:
    """Services of the route that no chain of calls between its services leads to: they fail the request too."""
    below: dict[str, list[str]] = {}
    for edge in calls:
        below.setdefault(edge.caller, []).append(edge.dependency)
    reached, frontier = set(starts), list(starts)
    while frontier:
        for dependency in below.get(frontier.pop(), ()):
            if dependency not in reached:
                reached.add(dependency)
                frontier.append(dependency)
    return [service for service in passed if service not in reached]
