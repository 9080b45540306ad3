"""Which callers a failure reaches, in many draws of passing edges at once, and along which way it mostly comes.

The draws are bits, 64 to a word; a level of the graph is a few operations on arrays. Each edge draws by its own
key (common random numbers), so that before and after, and one change beside another, see the same requests. With
up to ten uncertain edges between the changed services and their callers all sets are enumerated instead: then the
answer is exact, as it is where only one way leads up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.impact.network import Bits, FailureNetwork, FloatArray, IntArray
from sloengine.domain.topology.passing_edges import ENUMERATED_EDGES
from sloengine.domain.topology.system import Group

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class Reach:
    """Failure of some sources on its way to all components above them.

    ``bits``: draws in which the source's failure alone reaches the component, (size, n_sources, draws // 64).
    ``weights``: of the draws, None: all alike. ``alone``: probability that it does, shape (size, n_sources).
    ``exact``: whether that is no estimate. ``above``: the sources and all that can be reached, shape (size,).
    """

    bits: Bits
    weights: FloatArray | None
    alone: FloatArray
    exact: npt.NDArray[np.bool_]
    above: npt.NDArray[np.bool_]

    @property
    def draws(self) -> int:
        """How many."""
        return int(64 * self.bits.shape[2])

    def flags(self, component: int) -> FloatArray:
        """The bits of one component as 0 and 1, shape (n_sources, draws)."""
        return np.unpackbits(self.bits[component].view(np.uint8), axis=1, bitorder="little").astype(np.float64)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean over the draws, the last axis."""
        if self.weights is None:
            return np.asarray(values.mean(axis=-1))
        return np.asarray(values @ self.weights)


@dataclass(frozen=True)
class Ways:
    """The way to one source that passes most on, from every component above it.

    ``passed``: product of the pass probabilities along it, 0 where no way leads. ``edge``: the first step, as a
    position among the network's edges, -1 at the source; of a group's member -2 - its position in ``steps``.
    """

    passed: FloatArray
    edge: IntArray
    steps: tuple[tuple[int, int], ...]


def reach(network: FailureNetwork, sources: Sequence[int]) -> Reach:
    """Follow the failures of these components."""
    uncertain = _uncertain(network, sources)
    weights, masks = None, network.masks
    if len(uncertain) <= ENUMERATED_EDGES and not any(step.groups for step in network.steps):
        weights, masks = _enumerated(network, uncertain)
    bits, alone, exact, above = _climb(network, sources, masks)
    sampled = (
        np.bitwise_count(bits).sum(axis=2) / network.draws
        if weights is None
        else np.unpackbits(bits.view(np.uint8), axis=2, bitorder="little") @ weights
    )
    if weights is not None:
        return Reach(bits, weights, sampled, np.ones_like(exact), above)
    return Reach(bits, weights, np.where(exact, alone, np.maximum(sampled, alone)), exact, above)


def _climb(
    network: FailureNetwork, sources: Sequence[int], masks: Bits
) -> tuple[Bits, FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Bits; the probability along a single way (exact where there is no other), else that of the best way; and who
    is above.
    """
    edges, count = network.edges, len(sources)
    bits = np.zeros((network.size, count, masks.shape[1]), np.uint64)
    alone = np.zeros((network.size, count))
    exact = np.ones((network.size, count), bool)
    alive = np.zeros(network.size, bool)
    places = (list(sources), list(range(count)))
    bits[places], alone[places] = _ALL, 1.0
    alive[list(sources)] = True
    for step in network.steps:
        rows = np.flatnonzero(alive[edges.dependencies[step.edges]]) + step.edges.start
        if len(rows):
            callers, starts = np.unique(edges.callers[rows], return_index=True)
            below = edges.dependencies[rows]
            bits[callers] |= np.bitwise_or.reduceat(bits[below] & masks[rows, None, :], starts, axis=0)
            passed = edges.probability[rows, None] * alone[below]
            touched = bits[below].any(axis=2) | (alone[below] > 0.0)
            ways = np.add.reduceat(touched.astype(np.int64), starts, axis=0)
            best = np.maximum.reduceat(passed, starts, axis=0)
            single = np.logical_and.reduceat(exact[below] | ~touched, starts, axis=0) & (ways <= 1)
            new = alone[callers] == 0.0  # a changed component that calls another one is a source already
            exact[callers] = np.where(new, single | (best >= 1.0), exact[callers])
            alone[callers] = np.maximum(alone[callers], best)
            alive[callers] = True
        for number, group in step.groups:
            if any(alive[call.dependency] for call in group.calls):
                fatal = _fatal_bits(group, bits, network.group_masks[number])
                bits[group.caller] |= fatal
                exact[group.caller] &= ~fatal.any(axis=1) | (alone[group.caller] >= 1.0)
                alive[group.caller] = True
    return bits, alone, exact, alive


def _fatal_bits(group: Group, bits: Bits, masks: Bits) -> Bits:
    """Draws in which a source reaches so many members that the group fails, shape (n_sources, draws // 64)."""
    counted = np.zeros((group.fatal, *bits.shape[1:]), np.uint64)
    for call, mask in zip(group.calls, masks, strict=True):
        here = bits[call.dependency] & mask
        for place in range(group.fatal - 1, 0, -1):
            counted[place] |= counted[place - 1] & here
        counted[0] |= here
    return np.asarray(counted[-1])


def fatal_alone(network: FailureNetwork, number: int, group: Group, reaching: Reach) -> FloatArray:
    """Probability that each source alone is fatal to this group, shape (n_sources,)."""
    fatal = _fatal_bits(group, reaching.bits, network.group_masks[number])
    return np.asarray(np.bitwise_count(fatal).sum(axis=1) / network.draws)


def _uncertain(network: FailureNetwork, sources: Sequence[int]) -> IntArray:
    """Edges between these and what is above them that do not always pass; one too many when there are many."""
    edges = network.edges
    alive = np.zeros(network.size, bool)
    alive[list(sources)] = True
    found: list[IntArray] = []
    for step in network.steps:
        rows = np.flatnonzero(alive[edges.dependencies[step.edges]]) + step.edges.start
        alive[edges.callers[rows]] = True
        for _, group in step.groups:
            if any(alive[call.dependency] for call in group.calls):
                alive[group.caller] = True
        found.append(rows[edges.probability[rows] < 1.0])
        if sum(map(len, found)) > ENUMERATED_EDGES:
            break
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _enumerated(network: FailureNetwork, uncertain: IntArray) -> tuple[FloatArray, Bits]:
    """Weights of all sets of passing edges, and in which of them each edge passes."""
    numbers = np.arange(network.draws)
    weights = np.full(network.draws, 1.0 / (network.draws >> len(uncertain)))
    masks = np.full((len(network.edges), network.draws // 64), _ALL)
    for place, edge in enumerate(uncertain.tolist()):
        passes = (numbers >> place) & 1 == 1
        probability = float(network.edges.probability[edge])
        weights *= np.where(passes, probability, 1.0 - probability)
        masks[edge] = np.packbits(passes, bitorder="little").view(np.uint64)
    return weights, masks


def ways_to(network: FailureNetwork, source: int) -> Ways:
    """The way that passes most on to each caller; several alike: the first by the order of the edges."""
    edges = network.edges
    passed = np.zeros(network.size)
    first = np.full(network.size, -1, np.int64)
    passed[source] = 1.0
    steps: list[tuple[int, int]] = []
    for step in network.steps:
        rows = np.flatnonzero(passed[edges.dependencies[step.edges]] > 0.0) + step.edges.start
        if len(rows):
            along = edges.probability[rows] * passed[edges.dependencies[rows]]
            order = np.lexsort((rows, -along, edges.callers[rows]))
            callers, starts = np.unique(edges.callers[rows], return_index=True)
            best = order[starts]
            better = along[best] > passed[callers]
            passed[callers[better]] = along[best][better]
            first[callers[better]] = rows[best][better]
        for _, group in step.groups:
            for call in group.calls:
                along_member = call.probability * float(passed[call.dependency])
                if along_member > passed[group.caller]:
                    passed[group.caller] = along_member
                    first[group.caller] = -2 - len(steps)
                    steps.append((group.caller, call.dependency))
    return Ways(passed, first, tuple(steps))
