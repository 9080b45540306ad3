"""Learn how much of each dependency's failure reaches its caller, and keep it on the edge."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, floor_to
from sloengine.domain.recommendation.recommend import inspect
from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.failed_calls import observed_traffic
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.pass_through import findings_of, learn_pass_through
from sloengine.domain.topology.pass_through_finding import PassThroughBases, PassThroughFinding

CALLERS_AT_ONCE = 100
"""Callers of one run: what they and all who share their dependencies did in the look-back is in memory then."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LearntPassThrough:
    """``edges``: looked at; ``measured``: with evidence enough; ``last``: go on behind this caller, None: done."""

    edges: int
    measured: int
    last: str | None


@dataclass(frozen=True, slots=True)
class LearnPassThrough:
    """Run daily, a portion of the callers at a time. Safe to run twice. It is no claim: no version moves.

    ``lookback_days``: those of recommendations, which take over what is found here.
    """

    graph: ServiceGraph
    history: SliHistory
    clock: Clock
    lookback_days: int
    callers_at_once: int = CALLERS_AT_ONCE

    async def __call__(self, after: str | None = None) -> LearntPassThrough:
        """The callers that come after this one by id, so many of them."""
        graph = await self.graph.snapshot()
        every = sorted(graph.edges_by_caller)
        start = 0 if after is None else bisect_right(every, after)
        callers = every[start : start + self.callers_at_once]
        if not callers:
            return LearntPassThrough(0, 0, None)
        part = _with_other_callers(graph, callers)
        now = self.clock.now()
        to_at = floor_to(now, _HOUR)
        from_at = to_at - self.lookback_days * DAY
        pairs = [edge.pair for caller in callers for edge in graph.edges_by_caller[caller]]
        panel = await self.history.read([service.service_id for service in part.services], from_at, to_at)
        counted = await self.history.read_edges([edge.pair for edge in part.dependencies], from_at, to_at)
        bases = PassThroughBases(graph, self.lookback_days * DAY)
        findings = await asyncio.to_thread(_found, part, panel, counted, bases, now, frozenset(callers))
        await self.graph.note_pass_through(pairs, findings)
        measured = sum(found.measured is not None for found in findings.values())
        is_last = start + len(callers) >= len(every)
        return LearntPassThrough(len(pairs), measured, None if is_last else callers[-1])


def _with_other_callers(graph: DependencyGraph, callers: list[str]) -> DependencyGraph:
    """The callers, what they call, and whoever else calls that: a dependency's failures are divided among them."""
    called = {edge.dependency for caller in callers for edge in graph.edges_by_caller[caller] if not edge.is_stale}
    others = {
        edge.caller for service_id in called for edge in graph.edges_by_dependency[service_id] if not edge.is_stale
    }
    return graph.subgraph({*callers, *called, *others})


def _found(
    graph: DependencyGraph,
    panel: SliPanel,
    counted: EdgePanel | None,
    bases: PassThroughBases,
    now: datetime,
    callers: frozenset[str],
) -> dict[tuple[str, str], PassThroughFinding]:
    """As a recommendation learns it: of checked series, with the same seed."""
    checked = inspect(panel, graph)
    traffic = observed_traffic(graph, checked.cleaned, counted)
    passes = learn_pass_through(traffic, checked.refused, seed=0, callers=callers)
    return findings_of(traffic, passes, checked.refused, bases.of, now, callers)
