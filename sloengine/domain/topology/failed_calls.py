"""Failed calls of a dependency that belong to one caller, interval by interval.

Failure is compared call by call, never rate by rate: B is the number of failed calls attributed to the caller, E
the number of the caller's failed requests. Where service-graph metrics count the edge itself, B is theirs.
Elsewhere it is the dependency's failures times the caller's share of the calls to it (traffic × call weight), at
most the caller's requests.

Of a call that is tried up to k times the telemetry counts attempts. It has failed when all of them have, so of
n failed attempts at most n / k are failed calls, and that is B.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph

type FloatArray = npt.NDArray[np.float64]
type IntArray = npt.NDArray[np.int64]

#: Edges looked at together: bounds memory to a few arrays of this many rows.
EDGES_AT_ONCE = 1024


@dataclass(frozen=True)
class ObservedTraffic:
    """Requests and failures of a graph's services and calls, in the graph's order; 0 where there is no data.

    ``total`` and ``bad``: shape (n_services, n_intervals). ``edges``: the dependencies looked at, stale ones left
    out; ``callers`` and ``dependencies`` their ends. ``counted``: failed calls per interval of the edges that
    service-graph metrics count, by edge. ``seen_by_callers``: services without telemetry of their own, whose
    requests are the calls that their callers count.
    """

    graph: DependencyGraph
    start_at: datetime
    step: timedelta
    has_data: npt.NDArray[np.bool_]
    total: FloatArray
    bad: FloatArray
    edges: tuple[Dependency, ...]
    callers: IntArray
    dependencies: IntArray
    counted: dict[int, FloatArray]
    seen_by_callers: frozenset[int]
    notes: tuple[str, ...]

    @cached_property
    def weights(self) -> FloatArray:
        """Call weight of each edge, 1 where it is not known; shape (n_edges,)."""
        return np.array([1.0 if edge.call_weight is None else edge.call_weight for edge in self.edges])

    @cached_property
    def attempts(self) -> FloatArray:
        """How often the calls of each edge are tried at most; shape (n_edges,)."""
        return np.array([float(edge.attempts) for edge in self.edges])

    @cached_property
    def calls_received(self) -> FloatArray:
        """Calls that the known callers of each service make, by their traffic and call weights."""
        size = self.total.shape[0]
        weights = csr_array((self.weights, (self.dependencies, self.callers)), shape=(size, size))
        return np.asarray(weights @ self.total)

    def attributed(
        self, edges: Sequence[int] | IntArray, intervals: IntArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """B and E of these edges; both of shape (len(edges), n_intervals). ``intervals`` None: all."""
        chosen = np.asarray(edges, np.int64)
        callers, dependencies = self.callers[chosen], self.dependencies[chosen]

        def rows(values: FloatArray, of: IntArray) -> FloatArray:
            return values[of] if intervals is None else values[of[:, None], intervals]

        requests = rows(self.total, callers)
        received = rows(self.calls_received, dependencies)
        share = np.divide(
            requests * self.weights[chosen][:, None], received, out=np.zeros_like(requests), where=received > 0.0
        )
        failed = rows(self.bad, dependencies) * share
        for row, edge in enumerate(chosen.tolist()):
            if edge in self.counted:
                failed[row] = self.counted[edge] if intervals is None else self.counted[edge][intervals]
        failed /= self.attempts[chosen][:, None]
        return np.minimum(failed, requests), rows(self.bad, callers)

    def attributed_sum(self, edges: Sequence[int]) -> FloatArray:
        """B of each of these edges over all intervals, shape (len(edges),); summed once for each edge."""
        missing = [edge for edge in edges if edge not in self._sums]
        if missing:
            self._sums.update(zip(missing, self.attributed(missing)[0].sum(axis=1).tolist(), strict=True))
        return np.array([self._sums[edge] for edge in edges])

    @cached_property
    def _sums(self) -> dict[int, float]:
        return {}

    @cached_property
    def requests_sum(self) -> FloatArray:
        """Requests of each service over all intervals, shape (n_services,)."""
        return np.asarray(self.total.sum(axis=1))

    @cached_property
    def failed_sum(self) -> FloatArray:
        """Failed requests of each service over all intervals, shape (n_services,)."""
        return np.asarray(self.bad.sum(axis=1))

    def blocks_of(self, edges: IntArray) -> Iterator[IntArray]:
        """The edges in portions that fit into memory."""
        for first in range(0, len(edges), EDGES_AT_ONCE):
            yield edges[first : first + EDGES_AT_ONCE]

    @cached_property
    def unavailability(self) -> FloatArray:
        """Failed over all requests of each service, from sums; NaN where there were none."""
        totals, failures = self.requests_sum, self.failed_sum
        return np.asarray(
            np.divide(failures, totals, out=np.full(len(totals), np.nan), where=totals > 0.0), np.float64
        )

    @cached_property
    def request_rate(self) -> FloatArray:
        """Requests per interval between a service's first and last interval with data; NaN without data."""
        present = self.has_data.any(axis=1)
        first = self.has_data.argmax(axis=1)
        last = self.has_data.shape[1] - 1 - self.has_data[:, ::-1].argmax(axis=1)
        span = np.where(present, last - first + 1, 1)
        return np.where(present, self.total.sum(axis=1) / span, np.nan)


def observed_traffic(graph: DependencyGraph, panel: SliPanel, edge_panel: EdgePanel | None) -> ObservedTraffic:
    """Lay telemetry beside the graph; services without a row simply have no data."""
    ids = [service.service_id for service in graph.services]
    intervals = max(1, panel.total.shape[1])  # an empty panel is one interval without data
    total, bad = np.zeros((len(ids), intervals)), np.zeros((len(ids), intervals))
    has_data = np.zeros((len(ids), intervals), bool)
    known = [(row, panel.rows[service_id]) for row, service_id in enumerate(ids) if service_id in panel.rows]
    if known and panel.total.shape[1]:
        rows, sources = (np.array(column) for column in zip(*known, strict=True))
        raw_total, raw_good = panel.total[sources], panel.good[sources]
        valid = np.isfinite(raw_total) & np.isfinite(raw_good)
        has_data[rows] = valid
        total[rows] = np.where(valid, raw_total, 0.0)
        bad[rows] = np.where(valid, np.clip(raw_total - raw_good, 0.0, raw_total), 0.0)
    kept = [position for position, edge in enumerate(graph.dependencies) if not edge.is_stale]
    callers, dependencies = graph.ends
    edges = tuple(graph.dependencies[position] for position in kept)
    counted, made, notes = _counted_calls(edges, panel, edge_panel)
    seen_by_callers = _seen_by_callers(dependencies[kept], counted, made, has_data, total, bad)
    return ObservedTraffic(
        graph,
        panel.start_at,
        panel.step,
        has_data,
        total,
        bad,
        edges,
        callers[kept],
        dependencies[kept],
        counted,
        seen_by_callers,
        notes,
    )


def _seen_by_callers(
    dependencies: IntArray,
    counted: dict[int, FloatArray],
    made: dict[int, FloatArray],
    has_data: npt.NDArray[np.bool_],
    total: FloatArray,
    bad: FloatArray,
) -> frozenset[int]:
    """Services without telemetry of their own whose callers count their calls: filled in from those, in place."""
    silent = ~has_data.any(axis=1)
    found: set[int] = set()
    for edge, failed in counted.items():
        service = int(dependencies[edge])
        if silent[service] and made[edge].sum() > 0.0:
            total[service] += made[edge]
            bad[service] += np.minimum(failed, made[edge])
            has_data[service] |= made[edge] > 0.0
            found.add(service)
    return frozenset(found)


def _counted_calls(
    edges: Sequence[Dependency], panel: SliPanel, edge_panel: EdgePanel | None
) -> tuple[dict[int, FloatArray], dict[int, FloatArray], tuple[str, ...]]:
    """Failed and all calls per edge on the panel's intervals, from service-graph metrics."""
    if edge_panel is None or not edge_panel.pairs:
        return {}, {}, ()
    ratio, remainder = divmod(panel.step, edge_panel.step)
    shift, unaligned = divmod(edge_panel.start_at - panel.start_at, edge_panel.step)
    if remainder or unaligned:
        said = "Calls between services are stored in other intervals than requests; they were not used."
        return {}, {}, (said,)
    intervals = max(1, panel.total.shape[1])
    fine = intervals * ratio
    position = {edge.pair: place for place, edge in enumerate(edges)}
    counted: dict[int, FloatArray] = {}
    made: dict[int, FloatArray] = {}
    first, last = max(0, shift), min(fine, shift + edge_panel.failed.shape[1])
    for row, pair in enumerate(edge_panel.pairs):
        place = position.get(pair)
        if place is None or last <= first or not np.isfinite(edge_panel.calls[row]).any():
            continue
        for source, sums in ((edge_panel.failed, counted), (edge_panel.calls, made)):
            series = np.zeros(fine)
            series[first:last] = np.nan_to_num(source[row, first - shift : last - shift], nan=0.0)
            sums[place] = series.reshape(intervals, ratio).sum(axis=1)
    return counted, made, ()
