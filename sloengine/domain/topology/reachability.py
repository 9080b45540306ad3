"""How many services reach each service, counted exactly by sets of bits over the condensation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.condensation import strong_components

type IntArray = npt.NDArray[np.int64]

_BITS_AT_ONCE = 16_384


def ancestors(size: int, callers: IntArray, dependencies: IntArray) -> IntArray:
    """How many other nodes lead to each node along these edges; shape (size,).

    Members of a cycle lead to each other. Memory: 2 KB a node; work: edges × nodes / 64 word operations, which is
    exact where sampling would guess.
    """
    if size == 0:
        return np.zeros(0, np.int64)
    labels = strong_components(size, callers, dependencies)
    components = int(labels.max()) + 1
    between = labels[callers] != labels[dependencies]
    calls = csr_array(
        (np.ones(int(between.sum()), np.int8), (labels[dependencies][between], labels[callers][between])),
        shape=(components, components),
    )
    calls.sum_duplicates()
    order = _callers_first(components, calls)
    counts = np.zeros(components, np.int64)
    first, below = calls.indptr, calls.indices
    for start in range(0, size, _BITS_AT_ONCE):
        stop = min(size, start + _BITS_AT_ONCE)
        bits = np.zeros((components, (stop - start + 7) // 8), np.uint8)
        local = np.arange(stop - start)
        np.bitwise_or.at(bits, (labels[start:stop], local // 8), (1 << (local % 8)).astype(np.uint8))
        for component in order:
            callers_of = below[first[component] : first[component + 1]]
            if len(callers_of):
                bits[component] |= np.bitwise_or.reduce(bits[callers_of], axis=0)
        counts += np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    return np.asarray(counts[labels] - 1)


def reached_from(size: int, starts: IntArray, sources: IntArray, targets: IntArray) -> IntArray:
    """Fewest steps from any start along these edges, −1 where none leads there; shape (size,)."""
    steps = np.full(size, -1, np.int64)
    steps[starts] = 0
    edges = csr_array((np.ones(len(sources), np.int32), (targets, sources)), shape=(size, size))
    frontier = np.zeros(size, np.int32)
    frontier[starts] = 1
    distance = 0
    while frontier.any():
        distance += 1
        reached = (edges @ frontier > 0) & (steps < 0)
        steps[reached] = distance
        frontier = reached.astype(np.int32)
    return steps


def _callers_first(components: int, callers_of: csr_array) -> list[int]:
    """Components, each after all that call it."""
    waiting = np.diff(callers_of.indptr).tolist()
    calls = csr_array(callers_of.T.tocsr())
    first, called = calls.indptr.tolist(), calls.indices.tolist()
    order = [component for component in range(components) if waiting[component] == 0]
    for component in order:
        for dependency in called[first[component] : first[component + 1]]:
            waiting[dependency] -= 1
            if waiting[dependency] == 0:
                order.append(dependency)
    return order
