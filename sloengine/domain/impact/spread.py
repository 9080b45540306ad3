"""How much of each component's failure reaches every caller, for many components at once.

Several first steps that lead to the same dependency are taken as independent, which errs to the safe side where
they share an uncertain call further down. A component with one caller only counts within that caller, which is
exact.

What reaches what does not depend on how often it fails: it is worked out once for a network and kept, so that a
change costs one multiplication of each level. A network so dense that keeping it would cost more than a few
hundred MB is walked anew for each level's components instead.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from sloengine.domain.impact.kept_reach import KeptReach
from sloengine.domain.impact.network import FailureNetwork, FloatArray, IntArray
from sloengine.domain.topology.system import Group

_SOURCES_AT_ONCE = 256
# Of the rows of a level: fewer are picked before they are multiplied.
_FEW = 0.5


class Spread(Protocol):
    """Brings hazards from components up to their callers, one level after the other, dependencies first.

    ``shared``: by group, the hazard of what is fatal to it alone, once its level has arrived; shape (n_groups,
    n_columns).
    """

    shared: FloatArray

    def arrived(self, height: int, components: IntArray) -> FloatArray:
        """Hazard that has come up to each of these components of a level, shape (n, n_columns)."""
        ...

    def up(self, components: IntArray, hazards: FloatArray) -> None:
        """Bring up these components of one level, all of which was below them being in.

        ``hazards``: theirs, shape (n, n_columns).
        """
        ...


def spread_over(network: FailureNetwork, columns: int) -> Spread:
    """The way that suits the network."""
    kept = network.kept_reach
    return WalkedSpread(network, columns) if kept is None else KeptSpread(network, columns, kept)


class KeptSpread:
    """By what is kept of the network."""

    def __init__(self, network: FailureNetwork, columns: int, kept: KeptReach) -> None:
        self.shared = np.zeros((network.group_count, columns))
        self._network, self._kept = network, kept
        self._brought = np.zeros((network.size, columns))
        self._carried = np.zeros((network.size, columns))

    def arrived(self, height: int, components: IntArray) -> FloatArray:
        """What is below comes in by one product."""
        network = self._network
        groups = network.steps[height - 1].groups if height else ()
        if groups:
            self.shared[[number for number, _ in groups]] = self._kept.groups[height] @ self._brought
        level, reach = network.by_level[height], self._kept.levels[height]
        if len(components) < _FEW * len(level):
            reach = reach[np.searchsorted(level, components)]
        found = reach @ self._brought
        found = found if found.shape[0] == len(components) else found[np.searchsorted(level, components)]
        return np.asarray(found + self._carried[components])

    def up(self, components: IntArray, hazards: FloatArray) -> None:
        """Note what they bring; who has one caller only counts within it."""
        network = self._network
        whole = hazards + self._carried[components]
        self._brought[components] = whole
        calls = network.only_call[components]
        folded = calls >= 0
        edges = calls[folded]
        part = network.edges.probability[edges, None] * whole[folded]
        np.add.at(self._carried, network.edges.callers[edges], part)


class WalkedSpread:
    """By a walk from the components of each level to all above them, which keeps nothing."""

    def __init__(self, network: FailureNetwork, columns: int) -> None:
        self.network = network
        self.shared = np.zeros((network.group_count, columns))
        self._reached = np.zeros((network.size, columns))
        self._carried = np.zeros((network.size, columns))  # of it: what has no other way up than this one
        self._weight = network.edges.probability.astype(np.float32)

    def arrived(self, height: int, components: IntArray) -> FloatArray:
        """What the walks so far have brought."""
        return np.asarray(self._reached[components])

    def up(self, components: IntArray, hazards: FloatArray) -> None:
        """Walk up from these."""
        weights = hazards + self._carried[components]
        edges, calls = self.network.edges, self.network.only_call[components]
        folded = calls >= 0
        into = edges.callers[calls[folded]]
        part = edges.probability[calls[folded], None] * weights[folded]
        for total in (self._reached, self._carried):
            np.add.at(total, into, part)
        some = np.flatnonzero((calls == -1) & (weights != 0.0).any(axis=1))
        for first in range(0, len(some), _SOURCES_AT_ONCE):
            now = some[first : first + _SOURCES_AT_ONCE]
            self._up(components[now], weights[now])

    def _up(self, sources: IntArray, weights: FloatArray) -> None:
        network, edges = self.network, self.network.edges
        reach = np.zeros((network.size, len(sources)), np.float32)
        reach[sources, np.arange(len(sources))] = 1.0
        alive = np.zeros(network.size, bool)
        alive[sources] = True
        for step in network.steps[int(network.level[sources[0]]) :]:
            rows = np.flatnonzero(alive[edges.dependencies[step.edges]]) + step.edges.start
            if len(rows):
                callers, starts = np.unique(edges.callers[rows], return_index=True)
                misses = 1.0 - self._weight[rows, None] * reach[edges.dependencies[rows]]
                reach[callers] = 1.0 - np.multiply.reduceat(misses, starts, axis=0)
                alive[callers] = True
                self._reached[callers] += reach[callers] @ weights
            for number, group in step.groups:
                if any(alive[call.dependency] for call in group.calls):
                    fatal = _fatal(group, reach)
                    self.shared[number] += fatal @ weights
                    more = (1.0 - reach[group.caller]) * fatal
                    reach[group.caller] += more
                    self._reached[group.caller] += more @ weights
                    alive[group.caller] = True


def _fatal(group: Group, reach: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Probability that each source alone reaches ``fatal`` or more of the group's members."""
    tail = np.zeros((group.fatal + 1, reach.shape[1]), np.float32)
    tail[0] = 1.0
    for call in group.calls:
        moved = tail[:-1] * (np.float32(call.probability) * reach[call.dependency])
        tail[1:] += moved
        tail[:-1] -= moved
    return np.asarray(tail[-1])
