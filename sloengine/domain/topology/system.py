"""What a composition is computed on: components that fail, and the ways in which failure travels to a root.

Per request of the root each component has one state. A component fails by itself with its own unavailability. A
call passes its dependency's failure on to the caller with a *pass probability*; a redundancy group passes failure
on when fewer than ``required`` of its members' paths are good.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.condensation import strong_components

type Places = npt.NDArray[np.int64]

#: Share of a dependency's failures that a caller inherits, by declaration.
HARD_PASS_THROUGH, DEGRADED_PASS_THROUGH, SOFT_PASS_THROUGH, ASYNC_PASS_THROUGH = 1.0, 0.5, 0.1, 0.0


def pass_probability(pass_through: float, call_weight: float) -> float:
    """Probability that a request of the caller inherits its dependency's failure.

    The edge is used with q = min(1, call weight); a used edge passes failure on with 1 − (1 − f)^max(1, weight):
    one of several calls that fails is enough.
    """
    return min(1.0, call_weight) * -math.expm1(
        max(1.0, call_weight) * math.log1p(-pass_through) if pass_through < 1.0 else -math.inf
    )


@dataclass(frozen=True, slots=True)
class Call:
    """An edge between numbered nodes. ``probability``: of passing failure on. ``key``: seeds its draws."""

    caller: int
    dependency: int
    probability: float
    key: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that stand in for each other; the caller fails when ``fatal`` of them or more bring failure."""

    caller: int
    calls: tuple[Call, ...]
    fatal: int


@dataclass(frozen=True)
class System:
    """An acyclic system of components below ``root``; a call belongs to the component it is listed under.

    ``unavailability``: each component's own, in [0, 1]. ``calls`` and ``groups``: by caller; empty where a
    component calls nothing. ``order``: components reachable from the root, every caller before what it calls.
    """

    root: int
    unavailability: Sequence[float]
    calls: Sequence[Sequence[Call]]
    groups: Sequence[Sequence[Group]]
    order: tuple[int, ...]


def required_members(required: int | None, size: int) -> int:
    """How many members of a group of ``size`` must be good: one unless stated, never more than there are."""
    return min(size, max(1, required or 1))


def edge_key(*names: object) -> int:
    """A number that depends on the names only, so that an edge draws the same in every graph it is part of."""
    return zlib.crc32("\x00".join(map(str, names)).encode())


@dataclass(frozen=True)
class Contracted:
    """A graph with each strongly connected component as one.

    ``labels``: component of each node. ``calls`` and ``groups``: by component; plain lists, so that a walk is
    fast. ``order``: all components, every caller before what it calls.
    """

    labels: list[int]
    calls: list[list[Call]]
    groups: list[list[Group]]
    order: list[int]


def contract(size: int, calls: Iterable[Call], groups: Iterable[tuple[Sequence[Call], int]]) -> Contracted:
    """Contract the strongly connected components of a graph of ``size`` nodes.

    ``groups``: calls of one caller, and how many must be good. Calls that pass nothing on close no cycle. A group
    member inside the caller's own component counts as good, because its failure already is the component's.
    """
    plain = [call for call in calls if call.probability > 0.0]
    grouped = [(tuple(members), required) for members, required in groups if members]
    every = plain + [call for members, _ in grouped for call in members if call.probability > 0.0]
    labels = strong_components(
        size,
        np.array([call.caller for call in every], np.int64),
        np.array([call.dependency for call in every], np.int64),
    ).tolist()
    calls_of, groups_of = _by_component(labels, plain, grouped)
    return Contracted(labels, calls_of, groups_of, callers_first(calls_of, groups_of))


def contract_below(
    nodes: Collection[int],
    size: int,
    calls: Sequence[Call],
    groups: Iterable[tuple[Sequence[Call], int]],
    others: tuple[Places, Places],
) -> Contracted:
    """As :func:`contract`, but with the calls of some nodes only; components and order are those of the whole.

    Parameters:
        nodes: closed under calls; only their calls are kept.
        calls: of all callers, those outside of ``nodes`` left out.
        groups: of all callers.
        others: ends of *all* calls outside of groups that pass anything on, in the order of the whole.
    """
    plain = [call for call in calls if call.probability > 0.0]
    grouped = [(tuple(members), required) for members, required in groups if members]
    apart = [call for members, _ in grouped for call in members if call.probability > 0.0]
    callers = np.append(others[0], np.array([call.caller for call in apart], np.int64))
    dependencies = np.append(others[1], np.array([call.dependency for call in apart], np.int64))
    found = strong_components(size, callers, dependencies)
    labels = found.tolist()
    kept = {labels[node] for node in nodes}
    # The order hangs on every call of the whole graph: calls outside of groups first, as in a whole contraction.
    below: list[list[int]] = [[] for _ in range(max(labels, default=-1) + 1)]
    ends = found[others[0]], found[others[1]]
    for caller, dependency in zip(ends[0].tolist(), ends[1].tolist(), strict=True):
        if caller != dependency:
            below[caller].append(dependency)
    more, groups_of = _by_component(labels, [], grouped)
    for component, added in enumerate(more):
        below[component] += [call.dependency for call in added]
        below[component] += [call.dependency for group in groups_of[component] for call in group.calls]
    calls_of, _ = _by_component(labels, plain, grouped)
    for component in range(len(calls_of)):
        if component not in kept:
            calls_of[component], groups_of[component] = [], []
    return Contracted(labels, calls_of, groups_of, _callers_first(below))


def _by_component(
    labels: list[int], plain: Sequence[Call], grouped: Sequence[tuple[tuple[Call, ...], int]]
) -> tuple[list[list[Call]], list[list[Group]]]:
    components = max(labels, default=-1) + 1
    calls_of: list[list[Call]] = [[] for _ in range(components)]
    groups_of: list[list[Group]] = [[] for _ in range(components)]
    for call in plain:
        moved = _between(call, labels)
        if moved.caller != moved.dependency:
            calls_of[moved.caller].append(moved)
    for members, required in grouped:
        fatal = len(members) - required_members(required, len(members)) + 1
        outer = tuple(
            moved
            for moved in (_between(call, labels) for call in members)
            if moved.caller != moved.dependency and moved.probability > 0.0
        )
        caller = labels[members[0].caller]
        if fatal == 1:
            calls_of[caller].extend(outer)
        elif fatal <= len(outer):
            groups_of[caller].append(Group(caller, outer, fatal))
    return calls_of, groups_of


def callers_first(calls: Sequence[Sequence[Call]], groups: Sequence[Sequence[Group]]) -> list[int]:
    """All components, every caller before what it calls."""
    below: list[list[int]] = []
    for component, direct in enumerate(calls):
        reached = [call.dependency for call in direct]
        reached += [call.dependency for group in groups[component] for call in group.calls]
        below.append(reached)
    return _callers_first(below)


def _callers_first(below: Sequence[Sequence[int]]) -> list[int]:
    waiting = [0] * len(below)
    for reached in below:
        for dependency in reached:
            waiting[dependency] += 1
    ready = [component for component, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        component = ready.pop()
        order.append(component)
        for dependency in below[component]:
            waiting[dependency] -= 1
            if waiting[dependency] == 0:
                ready.append(dependency)
    return order


def acyclic_system(
    root: int, unavailability: Sequence[float], calls: Iterable[Call], groups: Iterable[tuple[Sequence[Call], int]]
) -> tuple[System, list[int]]:
    """The system of ``root``, and each node's component; that one fails with 1 − Π(1 − u) of its members."""
    made = contract(len(unavailability), calls, groups)
    good = [1.0] * len(made.calls)
    for node, own in enumerate(unavailability):
        good[made.labels[node]] *= 1.0 - own
    start = made.labels[root]
    order = reachable_in_order(start, made.calls, made.groups)
    return System(start, [1.0 - value for value in good], made.calls, made.groups, order), made.labels


def reachable_in_order(
    root: int, calls: Sequence[Sequence[Call]], groups: Sequence[Sequence[Group]]
) -> tuple[int, ...]:
    """Components that ``root`` can inherit failure from, every caller before what it calls.

    Raises:
        ValueError: the calls go in a circle.
    """
    finished: list[int] = []
    state: dict[int, int] = {}
    stack = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            finished.append(node)
            state[node] = 2
            continue
        if node in state:
            continue
        state[node] = 1
        stack.append((node, True))
        below = [call.dependency for call in calls[node]]
        below += [call.dependency for group in groups[node] for call in group.calls]
        for dependency in below:
            seen = state.get(dependency)
            if seen is None:
                stack.append((dependency, False))
            elif seen == 1:
                raise ValueError("a composition needs its cycles condensed first")
    return tuple(reversed(finished))


def reached_in_order(
    root: int, order: Iterable[int], calls: Sequence[Sequence[Call]], groups: Sequence[Sequence[Group]]
) -> tuple[int, ...]:
    """Those of ``order``, in which every caller comes before what it calls, that ``root`` can inherit from."""
    reached = {root}
    kept: list[int] = []
    for node in order:
        if node in reached:
            kept.append(node)
            reached.update([call.dependency for call in calls[node]])
            for group in groups[node]:
                reached.update([call.dependency for call in group.calls])
    return tuple(kept)


def _between(call: Call, labels: Sequence[int]) -> Call:
    return Call(labels[call.caller], labels[call.dependency], call.probability, call.key)


def without_certainties(system: System) -> tuple[System, frozenset[int]]:
    """The system seen from what certainly fails together with the root.

    Components that reach the root along calls which always pass are *one* with it: given that all of them are
    good, their other calls and groups are the root's. Returns the smaller system, in which the root has no failure
    of its own, and the components taken in (the root among them).
    """
    taken = {system.root}
    frontier = [system.root]
    while frontier:
        node = frontier.pop()
        for call in system.calls[node]:
            if call.probability >= 1.0 and call.dependency not in taken:
                taken.add(call.dependency)
                frontier.append(call.dependency)
    root = system.root
    calls = list(system.calls)
    groups = list(system.groups)
    own = list(system.unavailability)
    root_calls: list[Call] = []
    root_groups: list[Group] = []
    for node in system.order:
        if node in taken:
            root_calls += _open_calls(system.calls[node], taken)
            root_groups += _open_groups(system.groups[node], taken)
            calls[node], groups[node], own[node] = (), (), 0.0
        else:
            calls[node] = _open_calls(calls[node], taken)
            groups[node] = _open_groups(groups[node], taken)
    calls[root], groups[root] = root_calls, root_groups
    order = reached_in_order(root, [root, *(node for node in system.order if node not in taken)], calls, groups)
    return System(root, own, calls, groups, order), frozenset(taken)


def _open_calls(calls: Sequence[Call], taken: set[int]) -> Sequence[Call]:
    if any(call.dependency in taken for call in calls):
        return [call for call in calls if call.dependency not in taken]
    return calls


def _open_groups(groups: Sequence[Group], taken: set[int]) -> Sequence[Group]:
    """Members that are good for sure drop out; where too few are left to be fatal, the whole group does."""
    if not groups:
        return groups
    opened = (Group(group.caller, tuple(_open_calls(group.calls, taken)), group.fatal) for group in groups)
    return [group for group in opened if len(group.calls) >= group.fatal]
