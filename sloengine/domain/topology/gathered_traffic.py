"""Requests and failures of many services, gathered some at a time, from which callers are learnt one by one.

What a caller's pass-through takes are its own series, those of what it calls, and how many attempts others make at
the same: a sum for each dependency. With that sum kept, nothing around the caller has to be looked at again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.failed_calls import (
    FloatArray,
    IntArray,
    ObservedTraffic,
    SharedCalls,
)
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.observed_traffic import counted_calls, observed_traffic, requests_and_failures

#: Sums made at a time: bounds memory to a few arrays of so many rows.
_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Grid:
    """Intervals that series lie on: ``count`` of them from ``start_at``, each a ``step`` long."""

    start_at: datetime
    step: timedelta
    count: int

    @classmethod
    def of(cls, panel: SliPanel) -> Grid:
        """That of a panel; one interval where it has none."""
        return cls(panel.start_at, panel.step, max(1, panel.total.shape[1]))

    def panel(self, service_ids: Sequence[str], good: FloatArray, total: FloatArray) -> SliPanel:
        """Series on it."""
        return SliPanel(tuple(service_ids), self.start_at, self.step, good, total)


class GatheredTraffic:
    """Series of some services of a graph. First everything is added, then portions are taken.

    Counts are kept in single precision: whole numbers up to 16.7 million an interval exactly, larger ones to seven
    digits. A service takes 17 bytes for each interval.
    """

    def __init__(self, graph: DependencyGraph, kept: Collection[str], grid: Grid) -> None:
        """``kept``: services whose series stay; others that are added count as callers of these only."""
        self._graph, self._grid = graph, grid
        ids = [service.service_id for service in graph.services if service.service_id in kept]
        self._rows = {service_id: row for row, service_id in enumerate(ids)}
        shape = (len(ids), grid.count)
        self._total, self._bad = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._has_data = np.zeros(shape, bool)
        self._received = np.zeros(shape)
        self._seen: set[str] = set()
        edges = [edge for edge in graph.dependencies if not edge.is_stale and edge.dependency in self._rows]
        called = np.array([self._rows[edge.dependency] for edge in edges], np.int64)
        callers = np.array([graph.index[edge.caller] for edge in edges], np.int64)
        tried = [(1.0 if edge.call_weight is None else edge.call_weight) * edge.attempts for edge in edges]
        self._asked = csc_array((tried, (called, callers)), shape=(len(ids), len(graph.services)))
        self._caller_count = np.bincount(called, minlength=len(ids))

    def add(self, panel: SliPanel) -> None:
        """Series of services that were not added before, on the grid; those without data are passed over."""
        ids = panel.service_ids
        if ids and panel.total.shape[1]:
            self._add(ids, *requests_and_failures(panel, np.arange(len(ids))))

    def silent(self, service_ids: Collection[str]) -> list[str]:
        """Those of which no series with data was added, ascending."""
        return sorted(set(service_ids) - self._seen)

    def add_seen_by_callers(self, edges: Sequence[Dependency], counts: EdgePanel | None) -> None:
        """Requests of silent services are the calls that their callers count: add those of some edges."""
        nobody = np.zeros((0, self._grid.count))
        failed, made, _ = counted_calls(edges, self._grid.panel((), nobody, nobody), counts)
        by_service: dict[str, list[int]] = {}
        for place, calls in made.items():
            if calls.sum() > 0.0:
                by_service.setdefault(edges[place].dependency, []).append(place)
        for service_id, places in by_service.items():
            total = np.sum([made[place] for place in places], axis=0)[None]
            bad = np.sum([np.minimum(failed[place], made[place]) for place in places], axis=0)[None]
            self._add([service_id], total, bad, total > 0.0)

    def _add(
        self, ids: Sequence[str], total: FloatArray, bad: FloatArray, has_data: npt.NDArray[np.bool_]
    ) -> None:
        with_data = np.flatnonzero(has_data.any(axis=1))
        if not len(with_data):
            return
        names = [ids[place] for place in with_data.tolist()]
        self._seen.update(names)
        kept = np.array([place for place in with_data.tolist() if ids[place] in self._rows], np.int64)
        rows = [self._rows[ids[place]] for place in kept.tolist()]
        self._total[rows] += total[kept]
        self._bad[rows] += bad[kept]
        self._has_data[rows] |= has_data[kept]
        # Rounded as they are kept, so that a caller's share is never more than the whole.
        requests = total[with_data].astype(np.float32).astype(np.float64)
        asked = self._asked[:, [self._graph.index[name] for name in names]].tocsr()
        called = np.flatnonzero(np.diff(asked.indptr))
        for first in range(0, len(called), _ROWS_AT_ONCE):
            some = called[first : first + _ROWS_AT_ONCE]
            self._received[some] += asked[some] @ requests

    def portion(self, callers: Collection[str], counts: EdgePanel | None) -> ObservedTraffic:
        """Traffic of these callers and what they call; ``counts``: of their calls, where there are any."""
        edges = [
            edge
            for caller in callers
            for edge in self._graph.edges_by_caller.get(caller, ())
            if not edge.is_stale and edge.dependency in self._rows
        ]
        named = {*callers, *(edge.dependency for edge in edges)} & self._rows.keys()
        ids = sorted(named, key=self._rows.__getitem__)
        rows: IntArray = np.array([self._rows[service_id] for service_id in ids], np.int64)
        has_data = self._has_data[rows]
        total = np.where(has_data, self._total[rows].astype(np.float64), np.nan)
        services = tuple(self._graph.services[self._graph.index[service_id]] for service_id in ids)
        part = DependencyGraph(services, tuple(edges), self._graph.version)
        traffic = observed_traffic(part, self._grid.panel(ids, total - self._bad[rows], total), counts)
        return replace(traffic, shared=SharedCalls(self._received[rows], self._caller_count[rows]))
