"""Read what callers and all around them did, each series once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import batched

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.topology.gathered_traffic import GatheredTraffic, Grid
from sloengine.domain.topology.graph import DependencyGraph

SERVICES_READ_AT_ONCE, EDGES_READ_AT_ONCE = 500, 1_000
"""Series of 90 days by the hour are 35 KB of a service and as much of an edge: some 20 and 40 MB at a time."""


async def gather_traffic(
    history: SliHistory, graph: DependencyGraph, callers: Collection[str], from_at: datetime, to_at: datetime
) -> tuple[GatheredTraffic, frozenset[str]]:
    """Series of these callers and of what they call, with what all who call the same ask; and refused services.

    ``callers``: at least one. All is on one grid, of the coarsest step that any of the series is stored in.
    """
    called = called_by(graph, callers)
    others = {
        edge.caller for service_id in called for edge in graph.edges_by_dependency[service_id] if not edge.is_stale
    }
    kept = called.union(callers)
    ids = sorted(kept | others)

    async def at_once(count: int) -> tuple[GatheredTraffic, frozenset[str]] | None:
        """None, if portions of so many services are stored in different steps."""
        gathered: GatheredTraffic | None = None
        grid: Grid | None = None
        refused: set[str] = set()
        for names in batched(ids, count):
            panel = await history.read(names, from_at, to_at)
            is_empty = not np.isfinite(panel.total).any()
            if gathered is not None and not is_empty and Grid.of(panel) != grid:
                return None
            if gathered is None and (not is_empty or names[-1] == ids[-1]):
                grid = Grid.of(panel)
                gathered = GatheredTraffic(graph, kept, grid)
            if gathered is not None and not is_empty:
                checked = await asyncio.to_thread(inspect, panel)
                await asyncio.to_thread(gathered.add, checked.cleaned)
                refused |= checked.refused.keys()
        return None if gathered is None else (gathered, frozenset(refused))

    found = await at_once(SERVICES_READ_AT_ONCE) or await at_once(len(ids))
    if found is None:
        raise ValueError("no callers were given")
    await _add_seen_by_callers(history, graph, found[0].silent(ids), found[0], from_at, to_at)
    return found


def called_by(graph: DependencyGraph, callers: Collection[str]) -> set[str]:
    """What they call, by edges that are not stale."""
    return {
        edge.dependency
        for caller in callers
        for edge in graph.edges_by_caller.get(caller, ())
        if not edge.is_stale
    }


async def _add_seen_by_callers(
    history: SliHistory,
    graph: DependencyGraph,
    silent: Sequence[str],
    gathered: GatheredTraffic,
    from_at: datetime,
    to_at: datetime,
) -> None:
    edges = [
        edge
        for service_id in silent
        for edge in graph.edges_by_dependency.get(service_id, ())
        if not edge.is_stale
    ]
    for some in batched(edges, EDGES_READ_AT_ONCE):
        counts = await history.read_edges([edge.pair for edge in some], from_at, to_at)
        await asyncio.to_thread(gathered.add_seen_by_callers, some, counts)
