"""Write down journeys that the graph or traces show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sloengine.application.journeys.save_journey import SaveJourney, SaveJourneyCommand
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.journey_traces import JourneyTraces
from sloengine.application.recommendation.evidence_reader import GraphSnapshots
from sloengine.domain.errors import Forbidden, Unavailable
from sloengine.domain.governance.authorization import require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.derive import JourneyDraft, derive_from_graph, derive_from_traces

TRACES = 1_000
LOOKBACK = timedelta(hours=24)


class JourneySource(StrEnum):
    """Where journeys are read off."""

    GRAPH = "GRAPH"
    TEMPO = "TEMPO"


@dataclass(frozen=True, slots=True)
class DeriveJourneysCommand:
    """``dry_run``: say what would be saved. ``replace``: journeys of the same names too, else they stay."""

    source: JourneySource
    dry_run: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class DerivedJourneys:
    """``saved``: names of what was saved; ``kept``: there already; ``refused``: not the actor's to save."""

    drafts: Sequence[JourneyDraft]
    saved: Sequence[str] = ()
    kept: Sequence[str] = ()
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DeriveJourneys:
    """Who may save a journey by hand may save a derived one."""

    snapshots: GraphSnapshots
    journeys: JourneyStore
    save: SaveJourney
    clock: Clock
    traces: JourneyTraces | None = None

    async def __call__(self, command: DeriveJourneysCommand, *, actor: Actor) -> DerivedJourneys:
        """What was found and what became of it. Raises ``Forbidden``; ``Unavailable`` without a Tempo."""
        require_editor(actor, "derive journeys")
        graph = await self.snapshots.current()
        if command.source is JourneySource.GRAPH:
            drafts = derive_from_graph(graph)
        else:
            if self.traces is None:
                raise Unavailable("no Tempo is configured; set SLOENGINE_TEMPO_URL")
            now = self.clock.now()
            drafts = derive_from_traces(await self.traces.sample(TRACES, now - LOOKBACK, now), graph.index)
        known = await self.journeys.by_name([draft.name for draft in drafts])
        kept = [] if command.replace else [draft.name for draft in drafts if draft.name in known]
        if command.dry_run:
            return DerivedJourneys(drafts, kept=kept)
        saved: list[str] = []
        refused: list[str] = []
        for draft in drafts:
            if draft.name in kept:
                continue
            try:
                await self.save(SaveJourneyCommand(draft.name, draft.entry_points, draft.routes), actor=actor)
                saved.append(draft.name)
            except Forbidden:
                refused.append(draft.name)
        return DerivedJourneys(drafts, saved, kept, refused)
