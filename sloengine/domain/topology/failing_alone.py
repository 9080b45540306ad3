"""Whom the failure of one service alone can hurt, and whom it takes down.

A call passes failure on when the caller waits for it: sync, whatever its criticality (a soft call passes little
on, but it does). Async calls pass nothing on. Members of a redundancy group pass nothing on as long as the group
can spare one of them: only where all that are needed are all that there are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.condensation import strong_components
from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.reachability import IntArray, ancestors, reached_from
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.system import required_members

type BoolArray = npt.NDArray[np.bool_]


def passing_edges(graph: DependencyGraph) -> BoolArray:
    """Dependencies along which one service's failure alone can hurt the caller; stale ones cannot."""
    sizes: dict[tuple[str, str], int] = {}
    required: dict[tuple[str, str], int] = {}
    for edge in graph.dependencies:
        if edge.redundancy_group is not None and not edge.is_stale:
            key = edge.caller, edge.redundancy_group
            sizes[key] = sizes.get(key, 0) + 1
            required[key] = max(required.get(key, 1), edge.required or 1)
    return np.array(
        [
            edge.mode is DependencyMode.SYNC
            and not edge.is_stale
            and (
                edge.redundancy_group is None
                or required_members(
                    required[edge.caller, edge.redundancy_group], sizes[edge.caller, edge.redundancy_group]
                )
                == sizes[edge.caller, edge.redundancy_group]
            )
            for edge in graph.dependencies
        ],
        bool,
    )


def blast_radius(graph: DependencyGraph) -> IntArray:
    """How many other services the failure of each service alone can hurt, directly or not; shape (n_services,)."""
    callers, dependencies = graph.ends
    passing = passing_edges(graph)
    return ancestors(len(graph.services), callers[passing], dependencies[passing])


def single_points_of_failure(graph: DependencyGraph) -> BoolArray:
    """Services whose failure alone takes another service down that is CRITICAL; shape (n_services,).

    Down goes who calls, directly or not, along hard passing calls only. Where nobody said which services are
    critical there is none.
    """
    callers, dependencies = graph.ends
    hard = passing_edges(graph) & np.array(
        [edge.criticality is DependencyCriticality.HARD for edge in graph.dependencies], bool
    )
    size = len(graph.services)
    critical = np.array([service.criticality is Criticality.CRITICAL for service in graph.services], bool)
    labels = strong_components(size, callers[hard], dependencies[hard])
    per_component = np.bincount(labels[critical], minlength=int(labels.max(initial=-1)) + 1)
    between = hard & (labels[callers] != labels[dependencies]) if size else hard
    sources, targets = labels[callers[between]], labels[dependencies[between]]
    first = np.unique(targets[per_component[sources] > 0])
    from_outside = reached_from(len(per_component), first, sources, targets) >= 0
    # In its own cycle another one has to be critical: nobody is a victim of itself.
    return np.asarray(from_outside[labels] | (per_component[labels] - critical > 0))


def depth(graph: DependencyGraph) -> IntArray:
    """Fewest calls from a service that nobody calls, or from a cycle that nobody outside calls."""
    callers, dependencies = graph.ends
    fresh = np.array([not edge.is_stale for edge in graph.dependencies], bool)
    callers, dependencies = callers[fresh], dependencies[fresh]
    size = len(graph.services)
    if size == 0:
        return np.zeros(0, np.int64)
    labels = strong_components(size, callers, dependencies)
    called = np.zeros(int(labels.max()) + 1, bool)
    called[labels[dependencies][labels[callers] != labels[dependencies]]] = True
    return reached_from(size, np.flatnonzero(~called[labels]), callers, dependencies)
