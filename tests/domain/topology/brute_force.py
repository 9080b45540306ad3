"""An independent answer: try every combination of component states and passing edges, and walk the graph."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

Edge = tuple[int, int, float]


def one_component(edges: Sequence[Edge], size: int) -> list[int]:
    """Label of the strongly connected component, by transitive closure."""
    reach = [[i == j for j in range(size)] for i in range(size)]
    for caller, dependency, probability in edges:
        if probability > 0:
            reach[caller][dependency] = True
    for k, i, j in itertools.product(range(size), repeat=3):
        reach[i][j] = reach[i][j] or (reach[i][k] and reach[k][j])
    return [min(j for j in range(size) if reach[i][j] and reach[j][i]) for i in range(size)]


def failure_probability(
    root: int,
    own: Sequence[float],
    calls: Sequence[Edge],
    groups: Sequence[tuple[Sequence[Edge], int]] = (),
) -> float:
    """P(root fails). ``groups``: edges of one caller, and how many of their paths must be good."""
    size = len(own)
    every = [*calls, *(edge for edges, _ in groups for edge in edges)]
    label = one_component(every, size)
    components = sorted(set(label))
    survive = dict.fromkeys(components, 1.0)
    for node, u in enumerate(own):
        survive[label[node]] *= 1 - u
    total = 0.0
    for states in itertools.product([False, True], repeat=len(components)):
        down = dict(zip(components, states, strict=True))
        p_states = 1.0
        for c in components:
            p_states *= (1 - survive[c]) if down[c] else survive[c]
        if p_states == 0:
            continue
        for passes in itertools.product([False, True], repeat=len(every)):
            p = p_states
            for edge, passed in zip(every, passes, strict=True):
                p *= edge[2] if passed else 1 - edge[2]
            if p and _fails(label[root], down, label, calls, groups, passes):
                total += p
    return total


def _fails(root, down, label, calls, groups, passes) -> bool:
    failed = dict(down)
    changed = True
    while changed:  # failure spreads until nothing changes: no order needed
        changed = False
        for (caller, dependency, _), passed in zip(calls, passes, strict=False):
            if passed and failed[label[dependency]] and not failed[label[caller]]:
                failed[label[caller]] = changed = True
        at = len(calls)
        for edges, required in groups:
            bad = 0
            for (_, dependency, _), passed in zip(edges, passes[at : at + len(edges)], strict=True):
                bad += passed and failed[label[dependency]]
            at += len(edges)
            caller = label[edges[0][0]]
            if len(edges) - bad < required and not failed[caller]:
                failed[caller] = changed = True
    return failed[root]


def reached_from(calls: Sequence[Edge], size: int) -> list[set[int]]:
    """Nodes whose failure can reach each node, itself included."""
    reached = [{node} for node in range(size)]
    for _ in range(size):
        for caller, dependency, probability in calls:
            if probability > 0:
                reached[caller] |= reached[dependency]
    return reached
