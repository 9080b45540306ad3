"""Two groups at the widest gap, for small runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray

LEAST_GAP = 1.0
"""Standard deviations."""


class GapGroups:
    """Keeps the ``ArchetypeGrouping`` port without a library: rows on either side of the widest gap."""

    def __call__(self, values: FloatArray) -> npt.NDArray[np.int64]:
        """Labels 0 and 1; all 0 where no gap is wide."""
        labels = np.zeros(len(values), dtype=np.int64)
        if len(values) < 2 or values.shape[1] == 0:
            return labels
        ordered = np.sort(values, axis=0)
        gaps = np.diff(ordered, axis=0)
        row, column = np.unravel_index(int(gaps.argmax()), gaps.shape)
        if gaps[row, column] < LEAST_GAP * max(float(values[:, column].std()), 1e-12):
            return labels
        return np.asarray(values[:, column] > ordered[row, column], dtype=np.int64)
