"""What reaches what in a network, kept level by level as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.reach_rows import ReachRow, ReachRows
from sloengine.domain.topology.system import Contracted, Group

MOST_KEPT = 2**24
"""Pairs of components, 12 bytes each."""


@dataclass(frozen=True)
class KeptReach:
    """By level: what reaches its components, and what is fatal to the groups of its components alone.

    Matrices of shape (n_components_of_level, n_components) and (n_groups_of_level, n_components).
    """

    levels: tuple[csr_array, ...]
    groups: tuple[csr_array, ...]


def kept_reach(
    contracted: Contracted,
    by_level: Sequence[npt.NDArray[np.int64]],
    groups_by_level: Sequence[Sequence[Group]],
    counts: npt.NDArray[np.bool_],
    most: int = MOST_KEPT,
) -> KeptReach | None:
    """Work it out, dependencies first; None: it is more than ``most`` pairs.

    ``counts``: whether the failures of a component itself are followed, shape (n_components,).
    """
    rows, calls = ReachRows(len(contracted.calls)), contracted.calls
    levels: list[csr_array] = []
    fatal_of_levels: list[csr_array] = []
    kept = 0
    for components, groups in zip(by_level, groups_by_level, strict=True):
        fatal = [rows.fatal(group) for group in groups]
        of_component: dict[int, list[ReachRow]] = {}
        for group, row in zip(groups, fatal, strict=True):
            of_component.setdefault(group.caller, []).append(row)
        found = [
            rows.fill(one, calls[one], of_component.get(one, ()), itself=bool(counts[one]))
            for one in components.tolist()
        ]
        kept += sum(len(row.components) for row in found)
        if kept > most:
            return None
        levels.append(_matrix(found, len(rows)))
        fatal_of_levels.append(_matrix(fatal, len(rows)))
    return KeptReach(tuple(levels), tuple(fatal_of_levels))


def _matrix(rows: Sequence[ReachRow], size: int) -> csr_array:
    starts = np.cumsum([0, *(len(row.components) for row in rows)])
    columns = np.concatenate([np.zeros(0, np.int32), *(row.components for row in rows)])
    shares = np.concatenate([np.zeros(0, np.float32), *(row.shares for row in rows)])
    return csr_array((shares.astype(np.float64), columns, starts.astype(np.int32)), shape=(len(rows), size))
