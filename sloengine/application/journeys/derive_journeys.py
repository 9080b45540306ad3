"""Write down journeys that the graph or traces show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from sloengine.application.journeys.save_journey import SaveJourney
from sloengine.application.journeys.save_journeys import SaveJourneyCommand
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.discovery_store import DiscoveryStore
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.journey_traces import JourneyTraces
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.domain.errors import DomainError, Forbidden, Unavailable
from sloengine.domain.governance.authorization import require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.derive import (
    JourneyDraft,
    TracedJourneys,
    derive_from_graph,
    derive_from_traces,
)
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES

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
class NotSaved:
    """A journey that could not be saved, and why."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class DerivedJourneys:
    """``saved``: names of what was saved; ``kept``: there already; ``refused``: not the actor's to save.

    ``failed``: what could not be saved for another reason. ``warnings``: what made no journey at all.
    """

    drafts: Sequence[JourneyDraft]
    saved: Sequence[str] = ()
    kept: Sequence[str] = ()
    refused: Sequence[str] = ()
    failed: Sequence[NotSaved] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DeriveJourneys:
    """Who may save a journey by hand may save a derived one."""

    snapshots: GraphSnapshots
    journeys: JourneyStore
    save: SaveJourney
    clock: Clock
    names: DiscoveryStore
    traces: JourneyTraces | None = None

    async def __call__(self, command: DeriveJourneysCommand, *, actor: Actor) -> DerivedJourneys:
        """What was found and what became of each. Raises ``Forbidden``; ``Unavailable`` without a Tempo."""
        require_editor(actor, "derive journeys")
        found = await self._found(command.source)
        known = await self.journeys.by_name([draft.name for draft in found.drafts])
        kept = [] if command.replace else [draft.name for draft in found.drafts if draft.name in known]
        if command.dry_run:
            return DerivedJourneys(found.drafts, kept=kept, warnings=found.warnings)
        present = set(kept)
        saved: list[str] = []
        refused: list[str] = []
        failed: list[NotSaved] = []
        stopped: str | None = None
        for draft in found.drafts:
            if draft.name in present:
                continue
            if stopped is not None:
                failed.append(NotSaved(draft.name, f"not tried: {stopped}"))
                continue
            try:
                await self.save(SaveJourneyCommand(draft.name, draft.entry_points, draft.routes), actor=actor)
                saved.append(draft.name)
            except Forbidden:
                refused.append(draft.name)
            except DomainError as error:  # what was saved before stays, so the report of it must not be lost
                failed.append(NotSaved(draft.name, error.message))
                stopped = error.message if isinstance(error, Unavailable) else None
        return DerivedJourneys(found.drafts, saved, kept, refused, failed, found.warnings)

    async def _found(self, source: JourneySource) -> TracedJourneys:
        graph = await self.snapshots.current()
        if source is JourneySource.GRAPH:
            return TracedJourneys(derive_from_graph(graph))
        if self.traces is None:
            raise Unavailable("no Tempo is configured; set SLOENGINE_TEMPO_URL")
        now = self.clock.now()
        sample = await self.traces.sample(TRACES, now - LOOKBACK, now)
        stored = await self.names.name_rules()
        rules = DEFAULT_NAME_RULES if stored is None else stored.rules
        remembered = await self.names.remembered_names()
        found = derive_from_traces(sample.requests, graph.index, rules, remembered)
        return replace(found, warnings=(*sample.warnings, *found.warnings))
