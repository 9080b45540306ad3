"""Reads the series around some services: theirs and those of all that they call whole, other callers' in sums.

Everybody calls a hub. To tell whose failed calls its failures were, all who call it have to be looked at; that is
done some at a time, and only what they ask of it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.topology.gather_traffic import EDGES_READ_AT_ONCE, SERVICES_READ_AT_ONCE
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.gathered_traffic import Grid
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.observed_traffic import counted_calls
from sloengine.domain.topology.other_callers import OtherCallers, SummedCallers


@dataclass(frozen=True)
class SurroundingSeries:
    """``panel``: of the services of ``graph``; ``others``: what callers beside it ask of them."""

    graph: DependencyGraph
    panel: SliPanel
    others: OtherCallers


def below(around: DependencyGraph, asked: Sequence[str]) -> DependencyGraph:
    """The part that failures can reach these services from: themselves and all that they call."""
    return around.subgraph(around.distances(asked, None))


async def read_surroundings(
    history: SliHistory, around: DependencyGraph, inner: DependencyGraph, from_at: datetime, to_at: datetime
) -> SurroundingSeries | None:
    """``inner``: closed under the calls of ``around``. None: series are stored in different steps, so that they
    have to be read together.
    """
    panel = await history.read([service.service_id for service in inner.services], from_at, to_at)
    reading = _Reading(history, around, inner, panel, from_at, to_at)
    others = await reading.others()
    return None if others is None else SurroundingSeries(inner, panel, others)


@dataclass(frozen=True)
class _Reading:
    history: SliHistory
    around: DependencyGraph
    inner: DependencyGraph
    panel: SliPanel
    from_at: datetime
    to_at: datetime

    async def others(self) -> OtherCallers | None:
        """Of all callers beside ``inner``; None: in another step."""
        summed, silent = await asyncio.to_thread(self._begun)
        grid = Grid.of(self.panel)
        for names in batched(summed.callers, SERVICES_READ_AT_ONCE):
            part = await self.history.read(names, self.from_at, self.to_at)
            if not np.isfinite(part.total).any():
                continue
            if Grid.of(part) != grid:
                return None
            cleaned = (await asyncio.to_thread(inspect, part)).cleaned
            await asyncio.to_thread(summed.add, cleaned)
        await self._count(summed, silent, grid)
        return await asyncio.to_thread(summed.found)

    def _begun(self) -> tuple[SummedCallers, set[str]]:
        """What is to be summed up, and the services of ``inner`` that have no telemetry."""
        edges = [edge for edge in self._calls if edge.caller not in self.inner.index]
        edges = [edge for edge in edges if edge.dependency in self.inner.index]
        checked = inspect(self.panel).cleaned
        known = np.isfinite(checked.total) & np.isfinite(checked.good)
        # What never fails is not divided among anybody.
        fails = (known & (checked.good < checked.total)).any(axis=1)
        silent = {name for name, seen in zip(checked.service_ids, known.any(axis=1), strict=True) if not seen}
        failing = {name for name, failed in zip(checked.service_ids, fails, strict=True) if failed}
        intervals = Grid.of(self.panel).count
        return SummedCallers(edges, self.inner.dependencies, failing | silent, intervals), silent

    @property
    def _calls(self) -> Iterator[Dependency]:
        return (edge for edge in self.around.dependencies if not edge.is_stale)

    async def _count(self, summed: SummedCallers, silent: Collection[str], grid: Grid) -> None:
        """Requests of services without telemetry are the calls that their callers count."""
        beside, inner = set(summed.silent()), self.inner.index
        counting = [
            edge
            for edge in self._calls
            if edge.dependency in beside or (edge.dependency in silent and edge.caller not in inner)
        ]
        nobody = np.zeros((0, grid.count))
        for some in batched(counting, EDGES_READ_AT_ONCE):
            counts = await self.history.read_edges([edge.pair for edge in some], self.from_at, self.to_at)
            failed, made, _ = counted_calls(some, grid.panel((), nobody, nobody), counts)
            for place, calls in made.items():
                if calls.sum() <= 0.0:
                    continue
                if some[place].dependency in beside:
                    summed.add_requests(some[place].dependency, calls)
                else:
                    summed.add_seen(some[place].dependency, calls, failed[place])
