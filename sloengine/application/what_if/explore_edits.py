"""Say what would be achievable if the graph were another. Every role may; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.evidence_reader import EvidenceReader, Scope
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.application.what_if.measured_waits import measured_waits
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import AddCache, AddFallback, Cut, GraphEdit, Improve, MakeAsync, check_edits
from sloengine.domain.what_if.model import WhatIfResult
from sloengine.domain.what_if.waiting import Measured

MOST_IN_FOCUS = 20
MOST_IN_SCOPE = 5_000
"""Services whose evidence is read for one answer: up to 90 days of each are held while it is worked out."""
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
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False, repr=False)

    async def __call__(self, command: ExploreEditsCommand, *, actor: Actor) -> WhatIfResult:
        """Raises ``ServiceNotFound``, ``Invalid``, ``TooLarge``, naming the field."""
        del actor  # every role may read
        graph = await self.evidence.snapshots.current()
        check_edits(graph, command.edits)
        focus = _checked_focus(graph, command.focus)
        fallbacks = [e.fallback for e in command.edits if isinstance(e, AddFallback) and e.fallback is not None]
        scope = await self.evidence.scope(list(dict.fromkeys([*focus, *fallbacks])))
        if len(scope.service_ids) > self.most_in_scope:
            raise TooLarge(
                f"{len(scope.service_ids)} services lie around those in focus; one answer looks at "
                f"{self.most_in_scope} at most: name fewer at once",
                path=("focus",),
            )
        await self._places.acquire()
        answer = asyncio.create_task(self._answer(command, focus, scope))
        answer.add_done_callback(lambda _: self._places.release())
        # Who asks may go away; the thread that works for them cannot, and keeps its place until it is done.
        return await asyncio.shield(answer)

    async def _answer(self, command: ExploreEditsCommand, focus: Sequence[str], scope: Scope) -> WhatIfResult:
        now = self.clock.now()
        as_of = (await self.evidence.history.watermark()).aggregated_to or floor_to(now, HOUR)
        prepared = await self.evidence.read(scope, as_of=as_of, filled=0)
        below = list(scope.graph.distances(focus, None))
        measured = await self._latency(command.edits, below, as_of)
        return await asyncio.to_thread(
            edited_targets,
            prepared,
            command.edits,
            focus,
            window=command.window,
            now=now,
            settings=self.settings,
            measured=measured,
        )

    async def _latency(self, edits: Sequence[GraphEdit], service_ids: Sequence[str], as_of: datetime) -> Measured:
        """Measured latency, where an edit changes how long anybody waits."""
        waits = any(
            isinstance(edit, MakeAsync | Cut | AddCache)
            or (isinstance(edit, Improve) and edit.latency_scale is not None)
            for edit in edits
        )
        if not waits:
            return {}
        return await measured_waits(self.evidence.history, service_ids, floor_to(as_of, DAY))


def _checked_focus(graph: DependencyGraph, focus: Sequence[str]) -> list[str]:
    if not focus:
        raise Invalid("name at least one service in focus", path=("focus",))
    if len(focus) > MOST_IN_FOCUS:
        raise TooLarge(f"{len(focus)} services in focus, at most {MOST_IN_FOCUS}", path=("focus",))
    for place, service_id in enumerate(focus):
        if service_id not in graph.index:
            raise ServiceNotFound(f"no service {service_id!r}", path=("focus", str(place)))
    return list(dict.fromkeys(focus))
