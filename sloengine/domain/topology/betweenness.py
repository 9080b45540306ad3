"""Betweenness from sampled pivots, with its error.

The betweenness of a node is a sum over starting points; a random sample of starting points estimates it without
bias. Source: U. Brandes, A faster algorithm for betweenness centrality (2001); U. Brandes and C. Pich, Centrality
estimation in large networks (2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.reachability import IntArray, ancestors

type FloatArray = npt.NDArray[np.float64]

PIVOTS = 256
_AT_ONCE = 16
"""Pivots side by side: what belongs to them stays in the processor's cache."""
_TWO_SIDED_95 = 2.4
"""More than the normal 1.96, which covers 93 to 94 of 100 here: sums over pivots are skewed."""
_OFTEN = 30
"""Seen from so many pivots, a node's mean is near enough to normal."""
_UNSEEN = 3.0
"""What happens in none of k draws happens in 3/k of all at most, with 95 % certainty."""


@dataclass(frozen=True, slots=True)
class Betweenness:
    """Shares of ordered pairs of other nodes, in [0, 1]; ``error``: half width of a 95 % interval; by node."""

    values: FloatArray
    error: FloatArray


class EndedEarly(Exception):
    """Work was left because what it was for is outdated."""


def goes_on() -> bool:
    """Nothing ever makes it outdated."""
    return False


def go_on(is_outdated: Callable[[], bool]) -> None:
    """Raise ``EndedEarly`` where there is nothing to go on for."""
    if is_outdated():
        raise EndedEarly


def sampled_betweenness(
    size: int,
    callers: IntArray,
    dependencies: IntArray,
    rng: np.random.Generator,
    pivots: int = PIVOTS,
    is_outdated: Callable[[], bool] = goes_on,
) -> Betweenness:
    """Betweenness of a directed graph without weights; exact, with error 0, where every node is a pivot.

    The error has two parts: the sampling error as the pivots show it, and what pivots that a node is seen from too
    seldom may have missed: at most 3/k of the starting points (and no more than lead to it), each worth no more
    than the nodes behind it; this part fades out as it is seen from more of them. Work: pivots × edges;
    ``is_outdated`` is asked every few pivots. Raises ``EndedEarly`` once it says so.
    """
    if size < 3:
        return Betweenness(np.zeros(size), np.zeros(size))
    calls = csr_array((np.ones(len(callers)), (callers, dependencies)), shape=(size, size))
    calls.sum_duplicates()
    calls.data[:] = 1.0
    calls.setdiag(0.0)
    calls.eliminate_zeros()
    chosen = np.arange(size) if pivots >= size else np.sort(rng.choice(size, pivots, replace=False))
    total, squares = np.zeros(size), np.zeros(size)
    seen = np.zeros(size, np.int64)
    backwards = csr_array(calls.T.tocsr())
    for start in range(0, len(chosen), _AT_ONCE):
        go_on(is_outdated)
        passed = _passing(calls, backwards, chosen[start : start + _AT_ONCE])
        total += passed.sum(axis=1)
        squares += (passed**2).sum(axis=1)
        seen += (passed > 0.0).sum(axis=1)
    pairs = (size - 1.0) * (size - 2.0)
    count = len(chosen)
    values = total * (size / count) / pairs
    if count == size:
        return Betweenness(values, np.zeros(size))
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0) * count / (count - 1.0))
    sampled = _TWO_SIDED_95 * spread / np.sqrt(count) * np.sqrt(1.0 - count / size)
    leading = ancestors(size, callers, dependencies)
    behind = ancestors(size, dependencies, callers)
    share = np.minimum(_UNSEEN / count, leading / size)
    missed = share * behind * np.maximum(0.0, 1.0 - seen / _OFTEN)
    return Betweenness(values, (sampled + missed) * size / pairs)


def _passing(calls: csr_array, backwards: csr_array, pivots: IntArray) -> FloatArray:
    """For each pivot the share of its shortest paths that lead through a node, summed over their ends.

    Shape (n_nodes, n_pivots). All pivots move along their calls at once, one step at a time.
    """
    size, many = calls.shape[0], len(pivots)
    distance = np.full((size, many), -1, np.int32)
    paths = np.zeros((size, many))
    columns = np.arange(many)
    distance[pivots, columns] = 0
    paths[pivots, columns] = 1.0
    frontier = paths.copy()
    depth = 0
    while True:
        ways = backwards @ frontier
        new = (ways > 0.0) & (distance < 0)
        if not new.any():
            break
        depth += 1
        distance[new] = depth
        frontier = np.where(new, ways, 0.0)
        paths += frontier
    through = np.zeros((size, many))
    for step in range(depth, 0, -1):
        here = distance == step
        share = np.where(here, (1.0 + through) / np.where(here, paths, 1.0), 0.0)
        through += np.where(distance == step - 1, paths * (calls @ share), 0.0)
    through[pivots, columns] = 0.0
    return through
