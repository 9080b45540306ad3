"""A whole graph as arrays, so that failure is followed to all callers at once.

The semantics are those of :mod:`sloengine.domain.topology.composition`: a strongly connected component is one
component, an edge passes failure on with its pass probability, a redundancy group when too few members are good.
Components have a *level*: the most calls that lie below them. Whatever is worked out from dependencies towards
callers is worked out level by level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sloengine.domain.impact.kept_reach import KeptReach, kept_reach
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.passing_edges import drawn_passes
from sloengine.domain.topology.system import Contracted, Group

type FloatArray = npt.NDArray[np.float64]
type IntArray = npt.NDArray[np.int64]
type Bits = npt.NDArray[np.uint64]

#: Sets of passing edges that are looked at, by the size of the graph; powers of two.
DRAWS, DRAWS_OF_SMALLER, SMALLER_EDGES = 1_024, 4_096, 10_000
_EDGES_AT_ONCE = 4_096


@dataclass(frozen=True)
class Edges:
    """Calls outside redundancy groups between different components, by level of the caller, then by caller.

    ``callers`` and ``dependencies``: components; ``from_services`` and ``to_services``: the call itself, as
    positions in the graph. ``probability``: that a request of the caller inherits the dependency's failure.
    """

    callers: IntArray
    dependencies: IntArray
    from_services: IntArray
    to_services: IntArray
    probability: FloatArray
    keys: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        """How many."""
        return len(self.callers)


@dataclass(frozen=True)
class Step:
    """The callers of one level and their calls: a slice of the edges, where each caller's begin, who they are."""

    edges: slice
    starts: IntArray
    callers: IntArray
    groups: tuple[tuple[int, Group], ...]
    """Groups of callers of this level, and their numbers."""


@dataclass(frozen=True)
class FailureNetwork:
    """A graph, its components and the ways in which failure travels. Read-only; safe to share between threads."""

    graph: DependencyGraph
    labels: IntArray
    """Component of each service."""
    contracted: Contracted
    level: IntArray
    edges: Edges
    steps: tuple[Step, ...]
    """Lowest level first; level 0 calls nothing and has none."""
    callers_of: csr_array
    """Between services, from dependency to caller: every call that passes failure on."""
    seed: int = 0
    pass_through: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """What takes the place of declarations, by (caller, dependency)."""

    @property
    def size(self) -> int:
        """Number of components."""
        return len(self.level)

    @property
    def draws(self) -> int:
        """Sets of passing edges that are looked at."""
        return DRAWS if len(self.edges) > SMALLER_EDGES else DRAWS_OF_SMALLER

    @cached_property
    def members(self) -> tuple[IntArray, IntArray]:
        """Services sorted by component, and where each component's begin, shape (size + 1,)."""
        order = np.argsort(self.labels, kind="stable")
        return order, np.searchsorted(self.labels[order], np.arange(self.size + 1))

    def members_of(self, component: int) -> list[int]:
        """Services of a component, as positions in the graph."""
        order, starts = self.members
        found: list[int] = order[starts[component] : starts[component + 1]].tolist()
        return found

    @cached_property
    def cycles(self) -> frozenset[int]:
        """Components of several services."""
        return frozenset(np.flatnonzero(np.bincount(self.labels, minlength=self.size) > 1).tolist())

    @cached_property
    def in_cycles(self) -> tuple[IntArray, IntArray]:
        """Services in components of several, sorted by component, and where each component's begin among them."""
        order, starts = self.members
        sizes = np.diff(starts)
        kept = order[np.repeat(sizes > 1, sizes)]
        return kept, np.concatenate([[0], np.cumsum(sizes[sizes > 1])[:-1]]).astype(np.int64)

    @cached_property
    def only_call(self) -> IntArray:
        """The one call to each component that has no other caller; -1: it has several, -2: none."""
        found = np.full(self.size, -1, np.int64)
        calls = np.bincount(self.edges.dependencies, minlength=self.size)
        found[self.edges.dependencies] = np.arange(len(self.edges))
        found[calls != 1] = -1
        found[calls == 0] = -2
        for step in self.steps:
            for _, group in step.groups:
                found[[call.dependency for call in group.calls]] = -1
        return found

    @cached_property
    def group_count(self) -> int:
        """How many redundancy groups there are."""
        return sum(len(step.groups) for step in self.steps)

    @cached_property
    def by_level(self) -> list[IntArray]:
        """Components of each level."""
        order = np.argsort(self.level, kind="stable")
        bounds = np.searchsorted(self.level[order], np.arange(int(self.level.max(initial=0)) + 2))
        return [order[first:last] for first, last in pairwise(bounds)]

    @cached_property
    def kept_reach(self) -> KeptReach | None:
        """What reaches what; None: too much to keep. Failures of who has one caller are followed within it."""
        groups = [[], *([group for _, group in step.groups] for step in self.steps)]
        return kept_reach(self.contracted, self.by_level, groups, self.only_call == -1)

    @cached_property
    def masks(self) -> Bits:
        """In which draws each edge passes failure on, shape (n_edges, draws // 64)."""
        return _masks(self.edges.keys, self.edges.probability, self.draws, self.seed)

    @cached_property
    def group_masks(self) -> list[Bits]:
        """The same for the members of each group, by the group's number; shape (n_members, draws // 64)."""
        return [
            _masks(
                np.array([call.key for call in group.calls], np.uint64),
                np.array([call.probability for call in group.calls]),
                self.draws,
                self.seed,
            )
            for step in self.steps
            for _, group in step.groups
        ]

    def distances(self, services: Sequence[int]) -> FloatArray:
        """Fewest calls from each service to the nearest of these; infinite where failure does not travel."""
        return np.asarray(dijkstra(self.callers_of, unweighted=True, indices=list(services), min_only=True))

    def member_call(self, caller: int, dependency: int) -> tuple[int, int]:
        """A call of a redundancy group between two components, as positions of services."""
        below = set(self.members_of(dependency))
        for service in self.members_of(caller):
            for edge in self.graph.edges_by_caller.get(self.graph.services[service].service_id, ()):
                called = self.graph.index[edge.dependency]
                if called in below and not edge.is_stale and edge.redundancy_group is not None:
                    return service, called
        raise KeyError((caller, dependency))

    def inner_path(self, start: int, end: int) -> list[int]:
        """Services on a shortest way from ``start`` to ``end`` within their common component, both included."""
        if start == end:
            return [start]
        next_step = self._towards(end)
        path = [start]
        while path[-1] != end:
            path.append(next_step[path[-1]])
        return path

    def _towards(self, end: int) -> dict[int, int]:
        known = self._inner.get(end)
        if known is None:
            component, known, frontier = self.labels[end], {end: end}, [end]
            while frontier:
                reached: list[int] = []
                for service in frontier:
                    first, last = self.callers_of.indptr[service : service + 2]
                    for caller in self.callers_of.indices[first:last].tolist():
                        if caller not in known and self.labels[caller] == component:
                            known[caller] = service
                            reached.append(caller)
                frontier = reached
            self._inner[end] = known
        return known

    @cached_property
    def _inner(self) -> dict[int, dict[int, int]]:
        return {}


def _masks(keys: npt.NDArray[np.uint64], probability: FloatArray, draws: int, seed: int) -> Bits:
    masks = np.full((len(keys), draws // 64), np.uint64(0xFFFFFFFFFFFFFFFF))
    uncertain = np.flatnonzero(probability < 1.0)
    for first in range(0, len(uncertain), _EDGES_AT_ONCE):
        some = uncertain[first : first + _EDGES_AT_ONCE]
        passing = drawn_passes(keys[some], probability[some], seed, draws)
        masks[some] = np.packbits(passing, axis=1, bitorder="little").view(np.uint64)
    return masks
