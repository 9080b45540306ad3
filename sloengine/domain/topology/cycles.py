"""A shortest cycle in a strongly connected component, with bounded work on giant ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

#: Edge visits that a search may cost, some 0.1 s.
EDGE_VISITS = 500_000


def shortest_cycle(adjacency: csr_array, edge_visits: int = EDGE_VISITS) -> list[int]:
    """Nodes of a shortest cycle, the first repeated at the end.

    ``adjacency``: a strongly connected graph of two or more nodes without self-loops; any nonzero is an edge.
    Cycles of two, three and four calls are found exactly by sparse products at any size. Longer ones are exact as
    long as a search from every node fits ``edge_visits``; beyond, the answer is a shortest cycle *through one of
    the nodes that could be tried* (at least the first), which may not be the shortest of all.

    Deterministic: among equals the cycle through the lowest node numbers, starting at its lowest.
    Raises: ValueError, if there is no cycle.
    """
    size = adjacency.shape[0]
    ones = csr_array((np.ones(adjacency.nnz, np.int32), adjacency.indices, adjacency.indptr), shape=(size, size))
    neighbours = [ones.indices[ones.indptr[i] : ones.indptr[i + 1]] for i in range(size)]
    start, length = _start_of_short_cycle(ones)
    if start is not None:
        found = _cycle_through(start, neighbours, limit=length)
        if found is not None:
            return _turned(found)
    best: list[int] | None = None
    visits = 0
    for node in range(size):
        if best is not None and (visits + ones.nnz > edge_visits or ones.nnz == size):  # a ring is one cycle
            break
        candidate = _cycle_through(node, neighbours, limit=size if best is None else len(best) - 2)
        visits += ones.nnz
        if candidate is not None and (best is None or len(candidate) < len(best)):
            best = candidate
    if best is None:
        raise ValueError("the component is not strongly connected")
    return _turned(best)


def _start_of_short_cycle(ones: csr_array) -> tuple[int | None, int]:
    """A lowest node on a cycle of 2, 3 or 4 calls, where products are cheap enough to look."""
    back = ones.T.tocsr()
    candidates = ones.multiply(back).tocoo()
    if candidates.nnz:
        return int(candidates.coords[0].min()), 2
    degree_in, degree_out = np.bincount(ones.indices, minlength=ones.shape[0]), np.diff(ones.indptr)
    if float((degree_in.astype(np.float64) * degree_out).sum()) > EDGE_VISITS * 20:
        return None, 0
    two = csr_array(ones @ ones)
    for product, length in ((two.multiply(back), 3), (two.multiply(two.T.tocsr()), 4)):
        on_cycle = product.tocoo()
        if on_cycle.nnz:
            return int(on_cycle.coords[0].min()), length
    return None, 0


def _cycle_through(start: int, neighbours: Sequence[npt.NDArray[np.int32]], limit: int) -> list[int] | None:
    """A shortest cycle through ``start`` of at most ``limit`` calls, by breadth-first search; None if longer."""
    parent = {start: start}
    frontier = [start]
    for _ in range(limit):
        reached: list[int] = []
        for node in frontier:
            for other in neighbours[node].tolist():
                if other == start:
                    path = [start, node]
                    while path[-1] != start:
                        path.append(parent[path[-1]])
                    return path[::-1]
                if other not in parent:
                    parent[other] = node
                    reached.append(other)
        frontier = reached
    return None


def _turned(cycle: list[int]) -> list[int]:
    """The same cycle, starting at its lowest node."""
    body = cycle[:-1]
    first = body.index(min(body))
    return [*body[first:], *body[:first], body[first]]
