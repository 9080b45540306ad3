"""What decides whether a request on one route fails: the services it passes, as a system to compose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sloengine.domain.topology.bound_system import BoundSystem, bound_system
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.system import Call, System, edge_key, reached_in_order


@dataclass(frozen=True)
class SolvedRoute:
    """A route with the probability that a request on it fails.

    ``answer``: by component; ``reach`` is the probability that its failure alone fails the request. ``own``: own
    unavailability by component, those that stand for several among them. ``unconnected``: services that no call
    leads to from the entry points.
    """

    answer: ScenarioAnswer
    own: Sequence[float]
    stands_for: dict[int, tuple[int, ...]]
    unconnected: tuple[str, ...]

    def parts(self) -> Iterable[tuple[int, float, float]]:
        """(component, reach, own unavailability) of all that can fail a request, each once."""
        for component, phi in self.answer.reach.items():
            if phi > 0.0 and component < len(self.own) and self.own[component] > 0.0:
                yield component, phi, self.own[component]

    def components_of(self, component: int) -> tuple[int, ...]:
        """The graph's components that one of the system's speaks for."""
        return self.stands_for.get(component, (component,))


def solve_route(
    model: GraphReliability,
    entry_points: Sequence[str],
    services: Sequence[str],
    *,
    own: list[float] | None = None,
    closed: frozenset[int] = frozenset(),
    use_weights: bool = False,
    seed: int = 0,
) -> SolvedRoute:
    """Compose the services of a route below the entry points that it passes.

    A request on the route uses every call between its services (q = 1: the route says so); what such a call passes
    on is the pass-through in use. A component is counted once, however many calls lead to it; a cycle is one
    component. Members of a redundancy group that are not on the route go on standing in. A service that no call of
    the graph leads to is taken to fail the request with it. Entry points that the route does not list lead to it
    all the same.

    Parameters:
        own: own unavailability of every component of the graph; None: as it was learnt.
        closed: components whose value stands for everything below them.
        use_weights: calls are made with their weights, not all of them each time.

    Raises:
        KeyError: the graph does not know a service.
    """
    index, labels = model.graph.index, model.contracted.labels
    on_route = [index[service] for service in dict.fromkeys(services)]
    starts = [index[entry] for entry in entry_points if index[entry] in on_route] or [
        index[entry] for entry in entry_points
    ]
    passed = dict.fromkeys([*starts, *on_route])
    components = _with_stand_ins(model, [labels[position] for position in passed])
    root = labels[starts[0]]
    own = list(model.own_unavailability if own is None else own)
    # All at the rim: calls that leave the route are not in it.
    made = bound_system(model, root, dict.fromkeys(components, 0), own, joint=True, closed=closed)
    unconnected = _unconnected(model, starts, passed)
    below = [*starts, *unconnected]
    system, whole = _with_request(
        model, made, root, own[root], [labels[position] for position in below], use_weights=use_weights
    )
    names = model.names
    return SolvedRoute(
        solve(system, seed=seed),
        whole,
        dict(made.stands_for),
        tuple(names[position] for position in unconnected),
    )


def _with_stand_ins(model: GraphReliability, components: Iterable[int]) -> list[int]:
    found = dict.fromkeys(components)
    for component in list(found):
        for group in model.contracted.groups[component]:
            members = [call.dependency for call in group.calls]
            if any(member in found for member in members):
                found.update(dict.fromkeys(members))
    return list(found)


def _unconnected(model: GraphReliability, starts: Sequence[int], passed: Iterable[int]) -> list[int]:
    """Services of the route that no chain of calls between its services leads to, whatever those calls pass on."""
    inside = set(passed)
    index = model.graph.index
    reached = set(starts)
    frontier = list(starts)
    while frontier:
        service = frontier.pop()
        for edge in model.edges_of[service]:
            called = index[model.edges[edge].dependency]
            if called in inside and called not in reached:
                reached.add(called)
                frontier.append(called)
    return [position for position in passed if position not in reached]


def _with_request(
    model: GraphReliability,
    made: BoundSystem,
    root: int,
    own_of_root: float,
    below: Sequence[int],
    *,
    use_weights: bool,
) -> tuple[System, list[float]]:
    """The system with the request on top, which needs the entry points and whatever else is named."""
    system = made.system
    used = {} if use_weights else _used_probabilities(model)
    own = list(system.unavailability)
    own[root] = own_of_root
    calls = [[_used(call, used) for call in listed] for listed in system.calls]
    groups = [
        [replace(group, calls=tuple(_used(call, used) for call in group.calls)) for group in listed]
        for listed in system.groups
    ]
    request = len(own)
    own.append(0.0)
    calls.append([Call(request, component, 1.0) for component in dict.fromkeys(below)])
    groups.append([])
    rank = model.rank
    ordered = [request, *sorted(made.depth, key=rank.__getitem__), *made.stands_for]
    order = reached_in_order(request, ordered, calls, groups)
    return System(request, own, calls, groups, order), own


def _used_probabilities(model: GraphReliability) -> dict[int, float]:
    """By edge: the probability that a call which is made passes failure on."""
    return {
        edge_key(*dependency.pair): min(1.0, probability / min(1.0, weight)) if weight > 0.0 else 0.0
        for dependency, probability, weight in zip(
            model.edges, model.probability.tolist(), model.call_weights.tolist(), strict=True
        )
    }


def _used(call: Call, used: dict[int, float]) -> Call:
    return replace(call, probability=used.get(call.key, call.probability)) if call.key else call
