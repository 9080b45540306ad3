"""Groups of services that call each other more than they call others.

Louvain: every node moves to the neighbouring group that gains most modularity, until none does; groups become the
nodes of the next round. Nodes are visited in their order and ties go to the lowest number, so that the same graph
has the same groups. Source: V. Blondel and others, Fast unfolding of communities in large networks (2008).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from scipy.sparse import csr_array

from sloengine.domain.topology.reachability import IntArray

_GAIN = 1e-12
_ROUNDS = 20
_VISITS = 50


def communities(size: int, callers: IntArray, dependencies: IntArray) -> IntArray:
    """Group of each node, numbered from the largest on (then by their first node); shape (size,).

    Direction does not matter, two services that call each other count twice. A node without calls is a group.
    """
    labels = np.arange(size)
    links = csr_array((np.ones(len(callers)), (callers, dependencies)), shape=(size, size))
    links = csr_array(links + links.T)
    for _ in range(_ROUNDS):
        moved = _moved(links)
        names, moved = np.unique(moved, return_inverse=True)
        labels = moved[labels]
        if len(names) == links.shape[0]:
            break
        gather = csr_array((np.ones(len(moved)), (moved, np.arange(len(moved)))), shape=(len(names), len(moved)))
        links = csr_array(gather @ links @ gather.T)
    return _by_size(labels)


def modularity(labels: IntArray, callers: IntArray, dependencies: IntArray) -> float:
    """Share of edges inside groups less what chance alone would put there; at most 1."""
    edges = len(callers)
    if edges == 0:
        return 0.0
    inside = float((labels[callers] == labels[dependencies]).sum()) / edges
    ends = np.bincount(labels[callers], minlength=labels.max() + 1) + np.bincount(
        labels[dependencies], minlength=labels.max() + 1
    )
    return inside - float(((ends / (2.0 * edges)) ** 2).sum())


def _moved(links: csr_array) -> IntArray:
    """Group of each node after nobody gains by moving; ``links`` symmetric, a loop counts twice on its node."""
    size = links.shape[0]
    first, ends, weights = links.indptr.tolist(), links.indices.tolist(), links.data.tolist()
    degree = np.asarray(links.sum(axis=1)).ravel().tolist()
    whole = sum(degree)
    group = list(range(size))
    if whole <= 0.0:
        return np.asarray(group)
    held = list(degree)
    waiting = deque(range(size))
    queued = [True] * size
    left = _VISITS * size
    while waiting and left:
        left -= 1
        node = waiting.popleft()
        queued[node] = False
        home, own = group[node], degree[node]
        near: dict[int, float] = {home: 0.0}
        for place in range(first[node], first[node + 1]):
            if ends[place] != node:
                other = group[ends[place]]
                near[other] = near.get(other, 0.0) + weights[place]
        held[home] -= own
        best, most = home, near[home] - held[home] * own / whole
        for other, weight in sorted(near.items()):
            gain = weight - held[other] * own / whole
            if gain > most + _GAIN:
                best, most = other, gain
        held[best] += own
        if best == home:
            continue
        group[node] = best
        # Only its neighbours may want to follow.
        for place in range(first[node], first[node + 1]):
            neighbour = ends[place]
            if group[neighbour] != best and not queued[neighbour]:
                queued[neighbour] = True
                waiting.append(neighbour)
    return np.asarray(group)


def _by_size(labels: IntArray) -> IntArray:
    names, firsts, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(names), np.int64)
    rank[np.lexsort((firsts, -counts))] = np.arange(len(names))
    return np.asarray(rank[inverse])
