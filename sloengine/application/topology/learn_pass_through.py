"""Learn how much of each dependency's failure reaches its caller, and keep it on the edge."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, floor_to
from sloengine.application.topology.gather_traffic import called_by, gather_traffic
from sloengine.domain.topology.failed_calls import ObservedTraffic
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.pass_through import findings_of, learn_pass_through
from sloengine.domain.topology.pass_through_finding import PassThroughBases, PassThroughFinding

SERVICES_AT_ONCE = 10_000
"""Services whose series a run keeps in memory: 17 bytes for each interval, 370 MB of 90 days by the hour."""
CALLERS_AT_ONCE = 100
"""Callers learnt and written together: their calls' series are in memory in double precision then."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LearntPassThrough:
    """``edges``: looked at; ``measured``: with evidence enough; ``last``: go on behind this caller, None: done."""

    edges: int
    measured: int
    last: str | None


@dataclass(frozen=True, slots=True)
class LearnPassThrough:
    """Run daily, of large organisations a part of the callers at a time. It is no claim: no version moves.

    Safe to run twice. Every series is read and checked once in a run, each caller is learnt from its own edges:
    see :mod:`sloengine.domain.topology.gathered_traffic`. ``lookback_days``: those of recommendations, which take
    over what is found here.
    """

    graph: ServiceGraph
    history: SliHistory
    clock: Clock
    lookback_days: int
    services_at_once: int = SERVICES_AT_ONCE

    async def __call__(self, after: str | None = None) -> LearntPassThrough:
        """The callers that come after this one by id, as many as may be kept in memory with what they call."""
        graph = await self.graph.snapshot()
        every = sorted(graph.edges_by_caller)
        start = 0 if after is None else bisect_right(every, after)
        callers = _within(graph, every[start:], self.services_at_once)
        if not callers:
            return LearntPassThrough(0, 0, None)
        now = self.clock.now()
        to_at = floor_to(now, _HOUR)
        from_at = to_at - self.lookback_days * DAY
        gathered, refused = await gather_traffic(self.history, graph, callers, from_at, to_at)
        bases = PassThroughBases(graph, self.lookback_days * DAY)
        edges = measured = 0
        for first in range(0, len(callers), CALLERS_AT_ONCE):
            some = callers[first : first + CALLERS_AT_ONCE]
            pairs = [edge.pair for caller in some for edge in graph.edges_by_caller[caller]]
            counts = await self.history.read_edges(pairs, from_at, to_at)
            traffic = await asyncio.to_thread(gathered.portion, some, counts)
            findings = await asyncio.to_thread(_found, traffic, refused, bases, now, frozenset(some))
            await self.graph.note_pass_through(pairs, findings)
            edges += len(pairs)
            measured += sum(found.measured is not None for found in findings.values())
        is_last = start + len(callers) >= len(every)
        return LearntPassThrough(edges, measured, None if is_last else callers[-1])


def _within(graph: DependencyGraph, callers: Sequence[str], services: int) -> list[str]:
    """The first callers that are so many services with all that they call; one at least."""
    held: set[str] = set()
    for place, caller in enumerate(callers):
        held.add(caller)
        held |= called_by(graph, [caller])
        if place and len(held) > services:
            return list(callers[:place])
    return list(callers)


def _found(
    traffic: ObservedTraffic,
    refused: Collection[str],
    bases: PassThroughBases,
    now: datetime,
    callers: frozenset[str],
) -> dict[tuple[str, str], PassThroughFinding]:
    """As a recommendation learns it: of checked series, with the same seed."""
    passes = learn_pass_through(traffic, dict.fromkeys(refused, "refused"), seed=0, callers=callers)
    return findings_of(traffic, passes, refused, bases.of, now, callers)
