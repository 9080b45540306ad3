"""Which components can fail which, kept for those pairs only where one lies below the other.

The probability that a component far below reaches a caller is φ = 1 − Π(1 − p·φ of the next). Most pairs of a
graph have none: of 10,000 services with ten dependencies each some 6 % do, so that a full matrix is mostly zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.system import Call, Group

type FloatArray = npt.NDArray[np.float64]
type Places = npt.NDArray[np.int32]
type Shares = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReachRow:
    """``shares``: probability that the failure of each of ``components`` alone arrives; both shape (n,)."""

    components: Places
    shares: Shares

    def dot(self, hazards: FloatArray) -> float:
        """What arrives of the hazards of all components, shape (size,)."""
        return float(self.shares @ hazards[self.components])

    def times(self, hazards: FloatArray) -> FloatArray:
        """What arrives from each component, shape (size,)."""
        found = np.zeros(len(hazards))
        found[self.components] = self.shares * hazards[self.components]
        return found


_NONE = ReachRow(np.zeros(0, np.int32), np.zeros(0, np.float32))


class ReachRows:
    """Filled dependencies first, one component after the other; read-only afterwards.

    Components that were never filled are reached by nothing, not even themselves.
    """

    def __init__(self, size: int) -> None:
        self._rows = [_NONE] * size
        self._good = np.ones(size, np.float32)  # working memory of ``fill``: all ones in between

    def __getitem__(self, component: int) -> ReachRow:
        """What reaches this component."""
        return self._rows[component]

    def __len__(self) -> int:
        """Number of components."""
        return len(self._rows)

    @property
    def entries(self) -> int:
        """Pairs that are kept."""
        return sum(len(row.components) for row in self._rows)

    def fill(
        self, component: int, calls: Sequence[Call], fatal: Sequence[ReachRow] = (), *, itself: bool = True
    ) -> ReachRow:
        """Compose what reaches a component from what reaches those that it calls, all of them filled.

        Parameters:
            fatal: of each redundancy group of the component, from :meth:`fatal`.
            itself: whether the component's own failure counts among what reaches it.

        Returns:
            The row without the component itself.
        """
        good = self._good
        for call in calls:
            below = self._rows[call.dependency]
            good[below.components] *= np.float32(1.0) - np.float32(call.probability) * below.shares
        for row in fatal:
            good[row.components] *= np.float32(1.0) - row.shares
        touched = np.flatnonzero(good != 1.0).astype(np.int32)
        found = ReachRow(touched, np.float32(1.0) - good[touched])
        good[touched] = 1.0
        self._rows[component] = found
        if itself:
            self._rows[component] = ReachRow(
                np.append(touched, np.int32(component)), np.append(found.shares, np.float32(1.0))
            )
        return found

    def fatal(self, group: Group) -> ReachRow:
        """Probability that each component alone reaches ``fatal`` or more of the group's paths."""
        rows = [self._rows[call.dependency] for call in group.calls]
        columns = np.unique(np.concatenate([row.components for row in rows]))
        tail = np.zeros((group.fatal + 1, len(columns)), np.float32)
        tail[0] = 1.0
        for call, row in zip(group.calls, rows, strict=True):
            passed = np.zeros(len(columns), np.float32)
            passed[np.searchsorted(columns, row.components)] = np.float32(call.probability) * row.shares
            moved = tail[:-1] * passed
            tail[1:] += moved
            tail[:-1] -= moved
        some = np.flatnonzero(tail[-1] > 0.0)
        return ReachRow(columns[some], tail[-1][some])
