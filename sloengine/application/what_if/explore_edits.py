"""Say what would be achievable if the graph were another. Every role may; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.application.impact.measured_latency import measured_latency
from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import AddCache, AddFallback, Cut, GraphEdit, Improve, MakeAsync, check_edits
from sloengine.domain.what_if.model import WhatIfResult

MOST_IN_FOCUS = 20


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

    async def __call__(self, command: ExploreEditsCommand, *, actor: Actor) -> WhatIfResult:
        """Raises ``ServiceNotFound``, ``Invalid``, ``TooLarge``, naming the field."""
        del actor  # every role may read
        graph = await self.evidence.snapshots.current()
        check_edits(graph, command.edits)
        focus = _checked_focus(graph, command.focus)
        fallbacks = [e.fallback for e in command.edits if isinstance(e, AddFallback) and e.fallback is not None]
        now = self.clock.now()
        as_of = (await self.evidence.history.watermark()).aggregated_to or floor_to(now, HOUR)
        scope = await self.evidence.scope(list(dict.fromkeys([*focus, *fallbacks])))
        prepared = await self.evidence.read(scope, as_of=as_of, filled=0)
        measured = await self._latency(command.edits, scope.service_ids, as_of)
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

    async def _latency(
        self, edits: Sequence[GraphEdit], service_ids: Sequence[str], as_of: datetime
    ) -> Mapping[tuple[str, ObjectiveKind], float]:
        """Measured latency, where an edit changes how long anybody waits."""
        waits = any(
            isinstance(edit, MakeAsync | Cut | AddCache)
            or (isinstance(edit, Improve) and edit.latency_scale is not None)
            for edit in edits
        )
        if not waits:
            return {}
        return await measured_latency(self.evidence.history, service_ids, floor_to(as_of, DAY))


def _checked_focus(graph: DependencyGraph, focus: Sequence[str]) -> list[str]:
    if not focus:
        raise Invalid("name at least one service in focus", path=("focus",))
    if len(focus) > MOST_IN_FOCUS:
        raise TooLarge(f"{len(focus)} services in focus, at most {MOST_IN_FOCUS}", path=("focus",))
    for place, service_id in enumerate(focus):
        if service_id not in graph.index:
            raise ServiceNotFound(f"no service {service_id!r}", path=("focus", str(place)))
    return list(dict.fromkeys(focus))
