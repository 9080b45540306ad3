"""Say what would be achievable if the graph were another. Every role may; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.evidence_scope import Scope
from sloengine.application.telemetry.measured_latency import LOOKBACK, measured_latency
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.composed_latency import ComposedChange, LatencyChange
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.measured_draws import on_same_days
from sloengine.domain.what_if.composed import latency_change
from sloengine.domain.what_if.edits import AddFallback, GraphEdit, check_edits
from sloengine.domain.what_if.model import WhatIfResult
from sloengine.domain.what_if.waiting import Measured

MOST_IN_FOCUS = 20
MOST_IN_SCOPE = 10_000
"""Services below those in focus: up to 90 days of each are held for an answer, some 0.18 MB a service."""
LARGE_SCOPE = 1_000
"""Services from which on there is one such answer at a time in a process."""
MOST_COMPOSED = 300
"""Services whose histograms are drawn from for composed latency; where it takes more, there is none."""
AT_ONCE = 2
"""Answers worked out at a time in one process; who comes later waits, holding nothing."""


@dataclass(frozen=True, slots=True)
class ExploreEditsCommand:
    """``focus``: services whose achievable targets are wanted, at most 20."""

    edits: Sequence[GraphEdit]
    focus: Sequence[str]
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D


@dataclass(frozen=True, slots=True)
class ExploreEdits:
    """Achievable tiers of the services in focus before and after, availability and latency, and what each edit
    alone gains in budget minutes; from what is stored, nothing is pulled.
    """

    evidence: EvidenceReader
    clock: Clock
    settings: EngineSettings
    most_in_scope: int = MOST_IN_SCOPE
    large_scope: int = LARGE_SCOPE
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False, repr=False)
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False)

    async def __call__(self, command: ExploreEditsCommand, *, actor: Actor) -> WhatIfResult:
        """Raises ``ServiceNotFound``, ``Invalid``, ``TooLarge``, naming the field."""
        del actor  # every role may read
        graph = await self.evidence.snapshots.current()
        check_edits(graph, command.edits)
        focus = _checked_focus(graph, command.focus)
        fallbacks = [e.fallback for e in command.edits if isinstance(e, AddFallback) and e.fallback is not None]
        scope = await self.evidence.scope(list(dict.fromkeys([*focus, *fallbacks])))
        if len(scope.kept) > self.most_in_scope:
            raise TooLarge(
                _too_many(scope, focus, self.most_in_scope),
                path=("focus",),
            )
        # Who asks may go away; the thread that works for them cannot, and keeps its place until it is done.
        places = [self._large, self._places] if len(scope.kept) >= self.large_scope else [self._places]
        taken: list[asyncio.Semaphore] = []
        try:
            for place in places:
                await place.acquire()
                taken.append(place)
        except asyncio.CancelledError:
            _give_back(taken)
            raise
        answer = asyncio.create_task(self._answer(command, focus, scope))
        answer.add_done_callback(lambda _: _give_back(taken))
        return await asyncio.shield(answer)

    async def _answer(self, command: ExploreEditsCommand, focus: Sequence[str], scope: Scope) -> WhatIfResult:
        now = self.clock.now()
        as_of = (await self.evidence.history.watermark()).aggregated_to or floor_to(now, HOUR)
        prepared = await self.evidence.read(scope, as_of=as_of, filled=0)
        below = list(scope.graph.distances(focus, None))
        change = latency_change(command.edits)
        measured: Measured = {}
        composition = None
        if change is not None:
            measured = await measured_latency(self.evidence.history, below, floor_to(as_of, DAY))
            composition = await self._composition(scope.graph, change, focus, floor_to(as_of, DAY))
        found = await asyncio.to_thread(
            edited_targets,
            prepared,
            command.edits,
            focus,
            window=command.window,
            now=now,
            settings=self.settings,
            measured=measured,
            composition=composition,
        )
        if change is None or composition is not None:
            return found
        return replace(
            found, notes=(*found.notes, f"latency is not composed: it takes over {MOST_COMPOSED} histograms")
        )

    async def _composition(
        self, graph: DependencyGraph, change: LatencyChange, focus: Sequence[str], to_day: datetime
    ) -> ComposedChange | None:
        """With the histograms that it needs; None where those are of too many services."""
        without = ComposedChange(graph, {}, change)
        needs = sorted(frozenset[str]().union(*map(without.needs, focus)))
        if len(needs) > MOST_COMPOSED:
            return None
        found = await self.evidence.history.read_latency(needs, to_day - LOOKBACK, to_day)
        return ComposedChange(graph, on_same_days(found), change)


def _too_many(scope: Scope, focus: Sequence[str], most: int) -> str:
    """Why, and what helps: with several in focus naming fewer may, with one only a smaller part of the graph."""
    those = "those" if len(focus) > 1 else "the one"
    below = f"{len(scope.kept):,} services lie below {those} in focus"
    told = f"{below}; one answer holds the history of {most:,} at most"
    if len(focus) > 1:
        return f"{told}: name fewer at once"
    return f"{told}: name a service that fewer lie below; what a change of its objective does, impactAnalysis says"


def _give_back(places: Sequence[asyncio.Semaphore]) -> None:
    for place in places:
        place.release()


def _checked_focus(graph: DependencyGraph, focus: Sequence[str]) -> list[str]:
    if not focus:
        raise Invalid("name at least one service in focus", path=("focus",))
    if len(focus) > MOST_IN_FOCUS:
        raise TooLarge(f"{len(focus)} services in focus, at most {MOST_IN_FOCUS}", path=("focus",))
    for place, service_id in enumerate(focus):
        if service_id not in graph.index:
            raise ServiceNotFound(f"no service {service_id!r}", path=("focus", str(place)))
    return list(dict.fromkeys(focus))
