"""Telemetry laid beside a graph: requests, failures and counted calls in the order of its services and edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.other_callers import OtherCallers

_ROWS_AT_ONCE = 512


def observed_traffic(
    graph: DependencyGraph, panel: SliPanel, edge_panel: EdgePanel | None, others: OtherCallers | None = None
) -> ObservedTraffic:
    """Lay telemetry beside the graph; services without a row simply have no data. ``others``: callers beside it,
    on the panel's intervals.
    """
    ids = [service.service_id for service in graph.services]
    intervals = max(1, panel.total.shape[1])  # an empty panel is one interval without data
    total, bad = np.zeros((len(ids), intervals)), np.zeros((len(ids), intervals))
    has_data = np.zeros((len(ids), intervals), bool)
    known = [(row, panel.rows[service_id]) for row, service_id in enumerate(ids) if service_id in panel.rows]
    if known and panel.total.shape[1]:
        for start in range(0, len(known), _ROWS_AT_ONCE):  # all at once would be held twice
            rows, sources = (
                np.array(column) for column in zip(*known[start : start + _ROWS_AT_ONCE], strict=True)
            )
            total[rows], bad[rows], has_data[rows] = requests_and_failures(panel, sources)
    kept = [position for position, edge in enumerate(graph.dependencies) if not edge.is_stale]
    callers, dependencies = graph.ends
    edges = tuple(graph.dependencies[position] for position in kept)
    counted, made, notes = counted_calls(edges, panel, edge_panel)
    seen_by_others = {} if others is None else {graph.index[one]: seen for one, seen in others.seen.items()}
    seen_by_callers = _seen_by_callers(dependencies[kept], counted, made, seen_by_others, has_data, total, bad)
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
        others=others,
    )


def requests_and_failures(
    panel: SliPanel, rows: Sequence[int] | IntArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Requests, failed ones and whether there is data, of some rows of a panel; 0 where there is none."""
    total, bad = panel.total[rows], panel.good[rows]
    has_data = np.isfinite(total) & np.isfinite(bad)
    total[~has_data] = 0.0
    bad[~has_data] = 0.0
    np.subtract(total, bad, out=bad)
    np.maximum(bad, 0.0, out=bad)
    return total, np.minimum(bad, total, out=bad), has_data


def _seen_by_callers(
    dependencies: IntArray,
    counted: dict[int, FloatArray],
    made: dict[int, FloatArray],
    seen_by_others: Mapping[int, tuple[FloatArray, FloatArray]],
    has_data: npt.NDArray[np.bool_],
    total: FloatArray,
    bad: FloatArray,
) -> frozenset[int]:
    """Services without telemetry of their own whose callers count their calls: filled in from those, in place."""
    silent = ~has_data.any(axis=1)
    found: set[int] = set()
    known = [(int(dependencies[edge]), made[edge], failed) for edge, failed in counted.items()]
    known += [(service, *seen) for service, seen in seen_by_others.items()]
    for service, calls, failed in known:
        if silent[service] and calls.sum() > 0.0:
            total[service] += calls
            bad[service] += np.minimum(failed, calls)
            has_data[service] |= calls > 0.0
            found.add(service)
    return frozenset(found)


def counted_calls(
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
