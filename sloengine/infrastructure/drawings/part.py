"""What is drawn: services numbered in a fixed order, so that no name has to be an identifier anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.steps import steps_of
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.service import Service

JOURNEY = "#1f77b4"
"""Colour of what is on a journey's way."""


@dataclass(frozen=True, slots=True)
class PartOfGraph:
    """``number``: of each service, by id. ``supernodes``: cycles with two drawn members at least.

    ``passed_by``, ``taken_by``: names of the journeys on whose way a service or a call is. ``entries``: services
    that one of them is entered by.
    """

    roots: frozenset[str]
    services: tuple[Service, ...]
    dependencies: tuple[Dependency, ...]
    supernodes: tuple[Supernode, ...]
    number: Mapping[str, int]
    passed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken_by: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    entries: frozenset[str] = frozenset()


def with_journeys(part: PartOfGraph, journeys: Sequence[Journey]) -> PartOfGraph:
    """The same part, with the steps of these journeys marked."""
    passed: dict[str, tuple[str, ...]] = {}
    taken: dict[tuple[str, str], tuple[str, ...]] = {}
    for journey in journeys:
        steps = steps_of(journey, [edge.pair for edge in part.dependencies])
        for service in steps.services & part.number.keys():
            passed[service] = (*passed.get(service, ()), journey.name)
        for pair in steps.calls:
            taken[pair] = (*taken.get(pair, ()), journey.name)
    entries = {entry for journey in journeys for entry in journey.entry_points if entry in part.number}
    return replace(part, passed_by=passed, taken_by=taken, entries=frozenset(entries))


def part_of(roots: Sequence[str], found: Neighbourhood, most_edges: int) -> tuple[PartOfGraph, bool]:
    """The part to draw, and whether edges were left out: those furthest from the roots."""
    ordered = _nearest_first(roots, found)
    kept = ordered[:most_edges]
    cut = len(kept) < len(found.dependencies)
    if cut:
        named = {*roots, *(end for edge in kept for end in edge.pair)}
    else:
        named = {service.service_id for service in found.services}
    services = tuple(
        sorted((one for one in found.services if one.service_id in named), key=lambda one: one.service_id)
    )
    return (
        PartOfGraph(
            frozenset(roots),
            services,
            tuple(sorted(kept, key=lambda edge: edge.pair)),
            tuple(node for node in found.supernodes if sum(member in named for member in node.members) > 1),
            {service.service_id: number for number, service in enumerate(services)},
        ),
        cut,
    )


def _nearest_first(roots: Sequence[str], found: Neighbourhood) -> list[Dependency]:
    """Edges in the order in which a walk from the roots, either way along calls, meets them."""
    touching: dict[str, list[int]] = {}
    for position, edge in enumerate(found.dependencies):
        for end in edge.pair:
            touching.setdefault(end, []).append(position)
    met: dict[int, None] = {}
    seen = dict.fromkeys(roots)
    frontier = list(seen)
    for service in frontier:
        for position in touching.get(service, ()):
            met[position] = None
            for end in found.dependencies[position].pair:
                if end not in seen:
                    seen[end] = None
                    frontier.append(end)
    rest = (position for position in range(len(found.dependencies)) if position not in met)
    return [found.dependencies[position] for position in (*met, *rest)]


def kind_of(edge: Dependency) -> str:
    """How failure travels along it, in one word: async, hard, degraded, soft."""
    return "async" if edge.mode is DependencyMode.ASYNC else edge.criticality.lower()


def is_weak(edge: Dependency) -> bool:
    """Whether little or nothing of a failure passes along it."""
    return edge.mode is DependencyMode.ASYNC or edge.criticality is DependencyCriticality.SOFT


def words_of(edge: Dependency) -> str:
    """What is worth saying at an edge; empty for a hard call with each request."""
    words = [] if kind_of(edge) == "hard" else [kind_of(edge)]
    if edge.redundancy_group is not None:
        words.append(f"{edge.required or 1} of {edge.redundancy_group}")
    if edge.call_weight is not None:
        words.append(f"{edge.call_weight:.3g} call{'' if edge.call_weight == 1.0 else 's'}")
    if edge.is_stale:
        words.append("stale")
    return ", ".join(words)
