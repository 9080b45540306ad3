"""Telemetry that cannot be true.

Cells that are impossible are emptied; a series that is impossible as a whole is refused for its own service's SLO
and stays in the panel, because it is evidence about the edge that leads to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.percent import percent_text
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.other_callers import OtherCallers

type Flags = npt.NDArray[np.bool_]

TOO_MANY = 0.05
"""Share of impossible intervals that discredits the whole series."""
LEAST_INTERVALS = 3
STUCK_INTERVALS = 24
HEALTHY_CALLER = 0.5
"""A caller that succeeds at least this often cannot depend on something that never works."""


@dataclass(frozen=True)
class TelemetryFindings:
    """``refused``: reason per service whose series cannot be true. ``warnings``: what lowers data quality.

    ``cleaned``: the panel with impossible cells emptied; refused series are kept in it as evidence on edges.
    """

    cleaned: SliPanel
    refused: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def inspect(
    panel: SliPanel, graph: DependencyGraph | None = None, others: OtherCallers | None = None
) -> TelemetryFindings:
    """Check every series of the panel; the graph tells which callers are healthy beside it, and ``others`` of
    those that are not in it.
    """
    refused: dict[str, str] = {}
    warnings: dict[str, list[str]] = {}
    good, total = panel.good, panel.total
    n_known = (~np.isnan(panel.total) | ~np.isnan(panel.good)).sum(axis=1)

    def own_copies() -> None:
        """Before the first change: of a clean panel, which may be that of a whole organisation, there are none."""
        nonlocal good, total
        if good is panel.good:
            good, total = good.copy(), total.copy()

    def empty(bad_cells: Flags, what: str) -> None:
        if not bad_cells.any():
            return
        counts = bad_cells.sum(axis=1)
        for row in np.flatnonzero(counts):
            service_id, count, known = panel.service_ids[row], int(counts[row]), int(n_known[row])
            said = f"{what} in {count} of {known} intervals"
            if count > TOO_MANY * known and (count >= LEAST_INTERVALS or count == known):
                refused.setdefault(service_id, said)
            else:
                warnings.setdefault(service_id, []).append(f"{said}, left out")
        own_copies()
        good[bad_cells], total[bad_cells] = np.nan, np.nan

    with np.errstate(invalid="ignore"):
        for column, name in ((panel.good, "good"), (panel.total, "total")):
            other = panel.total if name == "good" else panel.good
            gone = np.isnan(column).all(axis=1) & ~np.isnan(other).all(axis=1)
            for position in np.flatnonzero(gone):
                refused.setdefault(panel.service_ids[position], f"column {name} is empty in every interval")
        empty(np.isnan(good) & (total > 0), "good is missing (NaN)")
        empty(np.isnan(total) & ~np.isnan(good), "total is missing (NaN)")
        empty(np.isinf(good) | np.isinf(total), "infinite values")
        empty((good < 0) | (total < 0), "negative counts (a counter that goes back)")
        over = good > total
        rounding = over & (good <= total * 1.001 + 1e-9)
        if rounding.any():
            own_copies()
            good[rounding] = total[rounding]
        empty(over & ~rounding, "more good than total events")
    for row in range(len(panel.service_ids)):
        service_id = panel.service_ids[row]
        if service_id not in refused:
            reason = _impossible_as_a_whole(good[row], total[row])
            if reason is not None:
                refused[service_id] = reason
    cleaned = replace(panel, good=good, total=total)
    refused |= _never_working(cleaned, graph, others, refused)
    return TelemetryFindings(cleaned, refused, {name: tuple(said) for name, said in warnings.items()})


def _impossible_as_a_whole(good: FloatArray, total: FloatArray) -> str | None:
    """Running counters given as increments, and success ratios that never move while traffic does."""
    asked = total > 0
    n = int(asked.sum())
    if n < STUCK_INTERVALS:
        return None
    g, t = good[asked], total[asked]
    if t.max() > 5 * max(float(t[0]), 1e-12):
        rises = np.diff(t) > 0
        if rises.mean() >= 0.95:
            return (
                f"total rises in {int(rises.sum())} of {n - 1} steps: a running counter, not events per interval"
            )
    first = float(g[0] / t[0])
    # The last one first: where it differs, as it mostly does, nothing need be divided.
    is_stuck = 0 < first < 1 and abs(float(g[-1] / t[-1]) - first) <= 1e-9
    if is_stuck and np.abs(g / t - first).max() <= 1e-9 and np.unique(t).size > n // 4:
        return f"success ratio is exactly {first:.6g} in each of {n} intervals while traffic varies"
    return None


def _never_working(
    panel: SliPanel, graph: DependencyGraph | None, others: OtherCallers | None, refused: Mapping[str, str]
) -> dict[str, str]:
    """Series in which no request ever succeeded."""
    asked = panel.total > 0
    intervals = asked.sum(axis=1)
    never = intervals >= LEAST_INTERVALS
    never &= ~((panel.good > 0) & asked).any(axis=1)
    rows = np.flatnonzero(never)
    never[rows] = (np.where(asked[rows], panel.good[rows], 0.0) <= 0).all(axis=1)
    found: dict[str, str] = {}
    for row in np.flatnonzero(never):
        service_id = panel.service_ids[row]
        if service_id in refused:
            continue
        requests = float(np.nansum(panel.total[row]))
        said = f"success rate is 0 on every one of {int(intervals[row])} intervals ({requests:,.0f} requests)"
        caller = _healthy_caller(service_id, panel, graph, others)
        beside = (
            "and nothing ever worked: a broken exporter, or nobody uses it"
            if caller is None
            else f"while its caller {caller[0]} succeeds in {percent_text(caller[1], 1)} of its own"
        )
        found[service_id] = f"{said}, {beside}"
    return found


def _healthy_caller(
    service_id: str, panel: SliPanel, graph: DependencyGraph | None, others: OtherCallers | None
) -> tuple[str, float] | None:
    if graph is None:
        return None
    best: tuple[str, float] | None = None
    for edge in graph.edges_by_dependency.get(service_id, ()):
        row = panel.rows.get(edge.caller)
        if row is None:
            continue
        total = float(np.nansum(panel.total[row]))
        ratio = float(np.nansum(panel.good[row])) / total if total > 0 else 0.0
        if ratio >= HEALTHY_CALLER and (best is None or ratio > best[1]):
            best = (edge.caller, ratio)
    for edge in () if others is None else others.by_dependency.get(service_id, ()):
        ratio = others.success.get(edge.caller, 0.0) if others is not None else 0.0
        if ratio >= HEALTHY_CALLER and (best is None or ratio > best[1]):
            best = (edge.caller, ratio)
    return best
