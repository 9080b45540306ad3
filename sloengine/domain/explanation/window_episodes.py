"""The incidents of many windows at once, to be summed with whatever is known of their sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.explanation.shapley import BoolArray
from sloengine.domain.recommendation.service_knowledge import SizeKnowledge
from sloengine.domain.recommendation.window_draws import own_sizes
from sloengine.domain.reliability.panel import FloatArray


@dataclass(frozen=True)
class Episodes:
    """Episodes of windows, one after the other: those at the first position, then those at the second, and so on.

    ``active``: whether a window may have an episode at a position, shape (n_positions, n). Of each such episode:
    ``others``, its size as other services have them; ``source``, own where below the own share; ``level`` and
    ``jitter`` of own sizes.
    """

    active: BoolArray
    others: FloatArray
    source: FloatArray
    level: FloatArray
    jitter: FloatArray

    def summed(self, sizes: SizeKnowledge) -> FloatArray:
        """Sum of the first k episodes' sizes in each window, shape (1 + n_positions, n)."""
        size = self.others
        if sizes.own_share > 0.0:
            own = np.flatnonzero(self.source < sizes.own_share)
            size = size.copy()
            size[own] = own_sizes(sizes, self.level[own], self.jitter[own])
        sums = np.zeros((len(self.active) + 1, self.active.shape[1]))
        sums[1:][self.active] = size
        return np.cumsum(sums, axis=0, out=sums)
