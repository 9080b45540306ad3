"""The part of a graph that decides a root's bound, as a system to compose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.system import Call, Group, System, reached_in_order

_NO_CALLS: tuple[Call, ...] = ()
_NO_GROUPS: tuple[Group, ...] = ()


@dataclass(frozen=True)
class BoundSystem:
    """A system below a root.

    ``depth``: fewest calls from the root, by component of the graph. ``stands_for``: components of the graph that
    an added component (a common cause, or what two names have in common) speaks for.
    """

    system: System
    depth: Mapping[int, int]
    stands_for: Mapping[int, tuple[int, ...]]


def depths(model: GraphReliability, root: int, max_depth: int) -> dict[int, int]:
    """Components within ``max_depth`` calls of component ``root``, and how far away they are."""
    calls, groups = model.contracted.calls, model.contracted.groups
    found = {root: 0}
    frontier = [root]
    for depth in range(1, max_depth + 1):
        reached: list[int] = []
        for component in frontier:
            for call in calls[component]:
                if call.dependency not in found:
                    found[call.dependency] = depth
                    reached.append(call.dependency)
            for group in groups[component]:
                for call in group.calls:
                    if call.dependency not in found:
                        found[call.dependency] = depth
                        reached.append(call.dependency)
        frontier = reached
    return found


def bound_system(
    model: GraphReliability,
    root: int,
    depth: Mapping[int, int],
    own: list[float],
    *,
    joint: bool,
    closed: frozenset[int] = frozenset(),
) -> BoundSystem:
    """The system of component ``root``, whose own failure is left out.

    Parameters:
        depth: from :func:`depths`; what lies further away is not in it.
        own: own unavailability of every component of the graph; copied, not changed.
        joint: with common causes of replicas; without, they are independent. Two names of one thing always count
            once.
        closed: components whose value stands for everything below them.
    """
    rim = max(depth.values())
    size = len(own)
    own = list(own)
    own[root] = 0.0
    calls: list[list[Call] | tuple[Call, ...]] = [_NO_CALLS] * size
    groups: list[list[Group] | tuple[Group, ...]] = [_NO_GROUPS] * size
    stands_for: dict[int, tuple[int, ...]] = {}
    causes: dict[tuple[int, ...], float] = {}
    for component, distance in depth.items():
        if component in closed:
            continue
        below = model.contracted.calls[component]
        stand_ins = model.contracted.groups[component]
        if distance == rim:
            below = [call for call in below if call.dependency in depth]
            stand_ins = [group for group in stand_ins if all(call.dependency in depth for call in group.calls)]
        calls[component] = below
        groups[component] = stand_ins
        if joint and stand_ins:
            for group, cause in zip(
                model.contracted.groups[component], model.intrinsic.causes[component], strict=True
            ):
                members = tuple(sorted({call.dependency for call in group.calls}))
                if cause > 0.0 and not closed.intersection(members) and all(m in depth for m in members):
                    causes[members] = max(cause, causes.get(members, 0.0))
    for members, cause in causes.items():
        share_failures(members, cause, own, calls, groups, stands_for)
    for members in _alias_clusters(model, root, depth, closed):
        share_failures(members, min(own[member] for member in members), own, calls, groups, stands_for)
    rank = model.rank
    ordered = [*sorted(depth, key=rank.__getitem__), *stands_for]
    order = reached_in_order(root, ordered, calls, groups)
    return BoundSystem(System(root, own, calls, groups, order), depth, stands_for)


def share_failures(
    members: tuple[int, ...],
    common: float,
    own: list[float],
    calls: list[list[Call] | tuple[Call, ...]],
    groups: list[list[Group] | tuple[Group, ...]],
    stands_for: dict[int, tuple[int, ...]],
) -> None:
    """Move ``common`` out of each member's own failure into one component that all of them depend on."""
    common = min(common, *(own[member] for member in members))
    if common <= 0.0:
        return
    shared = len(own)
    own.append(common)
    calls.append(_NO_CALLS)
    groups.append(_NO_GROUPS)
    stands_for[shared] = members
    for member in members:
        own[member] = 1.0 - (1.0 - own[member]) / (1.0 - common) if common < 1.0 else 0.0
        calls[member] = [*calls[member], Call(member, shared, 1.0)]


def _alias_clusters(
    model: GraphReliability, root: int, depth: Mapping[int, int], closed: frozenset[int]
) -> list[tuple[int, ...]]:
    """Components of the subgraph that are one thing under several names."""
    labels = model.contracted.labels
    leader: dict[int, int] = {}
    for first, second in model.aliases:
        pair = labels[first], labels[second]
        if pair[0] == pair[1] or root in pair or any(c not in depth or c in closed for c in pair):
            continue
        a, b = (leader.get(component, component) for component in pair)
        low, high = min(a, b), max(a, b)
        for component in [c for c, lead in leader.items() if lead == high]:
            leader[component] = low
        leader[low] = leader[high] = low
        leader[pair[0]] = leader[pair[1]] = low
    clusters: dict[int, set[int]] = {}
    for component, lead in leader.items():
        clusters.setdefault(lead, set()).add(component)
    return [tuple(sorted(cluster)) for _, cluster in sorted(clusters.items())]
