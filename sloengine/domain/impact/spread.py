"""How much of each component's failure reaches every caller, for many components at once.

Several first steps that lead to the same dependency are taken as independent, which errs to the safe side where
they share an uncertain call further down. A component with one caller only counts within that caller, which is
exact.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.impact.network import FailureNetwork, FloatArray, IntArray
from sloengine.domain.topology.system import Group

_SOURCES_AT_ONCE = 256


class Spread:
    """Brings hazards from components up to their callers, one level after the other, dependencies first.

    ``reached``: hazard that has come up to each component so far, shape (size, n_columns). ``shared``: by group,
    the hazard of what is fatal to it alone.
    """

    def __init__(self, network: FailureNetwork, columns: int) -> None:
        self.network = network
        self.reached = np.zeros((network.size, columns))
        self.shared = np.zeros((sum(len(step.groups) for step in network.steps), columns))
        self._carried = np.zeros((network.size, columns))  # of ``reached``: what has no other way up than this one
        self._only_call = network.only_call
        self._weight = network.edges.probability.astype(np.float32)

    def up(self, components: IntArray, hazards: FloatArray) -> None:
        """Bring up these components of one level, all of which was below them being in.

        ``hazards``: of all components, shape (size, n_columns); only those of ``components`` are read.
        """
        weights = hazards + self._carried
        edges, calls = self.network.edges, self._only_call[components]
        folded = components[calls >= 0]
        into = edges.callers[calls[calls >= 0]]
        part = edges.probability[calls[calls >= 0], None] * weights[folded]
        for total in (self.reached, self._carried):
            np.add.at(total, into, part)
        sources = components[(calls == -1) & (weights[components] != 0.0).any(axis=1)]
        for first in range(0, len(sources), _SOURCES_AT_ONCE):
            some = sources[first : first + _SOURCES_AT_ONCE]
            self._up(some, weights[some])

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
                self.reached[callers] += reach[callers] @ weights
            for number, group in step.groups:
                if any(alive[call.dependency] for call in group.calls):
                    fatal = _fatal(group, reach)
                    self.shared[number] += fatal @ weights
                    more = (1.0 - reach[group.caller]) * fatal
                    reach[group.caller] += more
                    self.reached[group.caller] += more @ weights
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
