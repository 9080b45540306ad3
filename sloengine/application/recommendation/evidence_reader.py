"""Reads evidence once for all services that are asked for together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.drift_store import DriftStore
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.ports.telemetry_source import Pulled
from sloengine.application.recommendation.evidence import Evidence, LearntPriors, promises_of
from sloengine.application.recommendation.evidence_scope import Scope, Stored, scope_around
from sloengine.application.recommendation.kept_part import KeptPart
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.application.recommendation.prepared import Earlier, Prepared, prepare
from sloengine.application.recommendation.surrounding_series import SurroundingSeries, read_surroundings
from sloengine.application.telemetry.pulled_hours import DAY, floor_to
from sloengine.application.telemetry.pulled_over_stored import (
    StoredOtherwise,
    edges_with,
    latency_with,
    panel_with,
)
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.domain.drift.alarm import change_of
from sloengine.domain.recommendation.archetype_features import features_of
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import EdgePanel, SliPanel, below_each_other
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.pass_through_finding import PassThroughFinding

WHOLE_FROM_ASKED = 50
WHOLE_UP_TO_SERVICES = 100
SUMMED_FROM = 1_000
"""Services around those asked for from which on other callers' series are summed up instead of kept."""
YOUNG_AT_ONCE = 200
"""Services whose year is held in memory at a time: 140 KB each."""


@dataclass(slots=True)
class EvidenceReader:
    """For a few services their surroundings are read; for bulk work, or where the graph is small, everything.

    What was read whole and worked out from it is kept in this process until graph, telemetry or priors move on; of
    large parts the last one, for who asks about the same services again. ``hours_filled``: moves whenever this
    process has filled in missing hours.
    """

    snapshots: GraphSnapshots
    history: SliHistory
    ledger: SloLedger
    priors: CurrentPriors
    clock: Clock
    drift: DriftStore
    findings: LearntFindings
    settings: EngineSettings = field(default_factory=EngineSettings)
    source_name: str | None = None
    summed_from: int = SUMMED_FROM
    young_at_once: int = YOUNG_AT_ONCE
    hours_filled: Callable[[], int] = lambda: 0
    _part: KeptPart = field(default_factory=KeptPart, init=False)
    _kept: tuple[object, Prepared] | None = field(default=None, init=False)
    _earlier: Earlier = field(default_factory=Earlier, init=False)
    _assigned: tuple[LearntPriors, int, LearntPriors] | None = field(default=None, init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def scope(self, service_ids: Sequence[str], *, only_below: bool = False) -> Scope:
        """What these services need; ``only_below``: for their own answers, not to edit the graph around them."""
        graph = await self.snapshots.current()
        if len(service_ids) >= WHOLE_FROM_ASKED or len(graph.services) <= WHOLE_UP_TO_SERVICES:
            every = tuple(service.service_id for service in graph.services)
            return Scope(graph, every, every, is_whole=True)
        # Beside the event loop: of a large graph this takes a tenth of a second.
        scope = await asyncio.to_thread(scope_around, graph, tuple(service_ids), self.summed_from)
        return replace(scope, only_below=only_below)

    async def read(self, scope: Scope, *, as_of: datetime, filled: int) -> Prepared:
        """The scope's evidence as of an hour, telemetry checked and pass-through learnt.

        ``filled``: moves whenever this process has filled in missing hours.
        """
        if not scope.is_whole and scope.inner is None:
            return await self.prepared(await self.stored(scope, as_of))
        now = self.clock.now()
        # What does not wait for another answer is asked for at the same time.
        watermark, active, changes, priors, learnt = await asyncio.gather(
            self.history.watermark(),
            self.ledger.active(scope.kept, SliType.AVAILABILITY),
            self._changes(scope, as_of),
            self.priors(now),
            self.findings.state(),
        )
        key = (
            scope.graph.version,
            as_of,
            priors.digest,
            watermark.aggregated_to,
            watermark.pulled_at,
            filled if scope.is_whole else self.hours_filled(),
            learnt,
        )

        async def make() -> Prepared:
            return await self.prepared(await self.stored(scope, as_of))

        if not scope.is_whole:
            prepared = await self._part.of((key, scope.asked), make, only_below=scope.only_below)
        else:
            async with self._reading:
                if self._kept is None or self._kept[0] != key:
                    self._kept = (key, await make())
                prepared = self._kept[1]
        evidence = replace(prepared.evidence, promises=promises_of(active), changes=changes)
        return replace(prepared, evidence=evidence)

    async def stored(self, scope: Scope, as_of: datetime) -> Stored:
        """What is stored for the scope, all asked for at the same time."""
        from_at = self._begin(as_of)
        series: SurroundingSeries | None = None
        if scope.inner is not None:
            series = await read_surroundings(self.history, scope.graph, scope.inner, from_at, as_of)
        graph = scope.graph if series is None else series.graph
        (watermark, active, changes), (panel, priors, latency, edges, findings) = await asyncio.gather(
            asyncio.gather(
                self.history.watermark(),
                self.ledger.active(scope.kept, SliType.AVAILABILITY),
                self._changes(scope, as_of),
            ),
            asyncio.gather(
                self._availability(scope.service_ids, from_at, as_of, None if series is None else series.panel),
                self._priors(scope, self.clock.now()),
                self.history.read_latency(_with_latency(scope), *_days(from_at, as_of)),
                self._edges(_pairs(graph), from_at, as_of),
                self._findings(graph, scope, as_of),
            ),
        )
        return Stored(
            scope,
            as_of,
            graph,
            None if series is None else series.others,
            watermark,
            promises_of(active),
            changes,
            panel,
            priors,
            latency,
            edges,
            findings,
        )

    async def prepared(self, stored: Stored, pulled: Pulled | None = None) -> Prepared:
        """Telemetry checked and pass-through learnt, with pulled hours that the store may not have yet.

        Raises ``StoredOtherwise`` where these have to be stored first, and then read.
        """
        scope, as_of, watermark = stored.scope, stored.as_of, stored.watermark
        panel, latency, edges = stored.panel, stored.latency, stored.edges
        if pulled is not None:
            if stored.others is not None:
                raise StoredOtherwise  # what others ask is summed up already
            from_at = self._begin(as_of)
            panel = panel_with(panel, pulled.availability)
            latency = latency_with(latency, pulled.latency, _with_latency(scope), _days(from_at, as_of))
            known = set(pulled.availability.service_ids)
            edges = edges_with(edges, pulled.edges, _pairs(stored.graph), known, (from_at, as_of))
        evidence = Evidence(
            as_of=as_of,
            graph=stored.graph,
            panel=panel,
            older=await self._older(panel, as_of, pulled),
            priors=stored.priors,
            asked=None if scope.is_whole else scope.asked,
            latency=latency,
            edges=edges,
            promises=stored.promises,
            refused=watermark.refused,
            throttled=watermark.throttled,
            traced_p99=watermark.traced_p99,
            source=self.source_name,
            changes=stored.changes,
            graph_version=scope.graph.version,
            findings=stored.findings,
            others=stored.others,
        )
        if scope.is_whole:
            return await asyncio.to_thread(prepare, evidence)
        return await asyncio.to_thread(prepare, evidence, self._earlier, only_below=scope.only_below)

    def _begin(self, as_of: datetime) -> datetime:
        return as_of - self.settings.lookback_days * DAY

    async def _changes(self, scope: Scope, as_of: datetime) -> dict[tuple[str, SliType], BehaviourChange]:
        """Of the services asked for; of a whole graph those that have any, which are few."""
        asked = None if scope.is_whole else scope.asked
        since = as_of - self.settings.lookback_days * DAY
        by_type = await asyncio.gather(*(self.drift.newest(asked, sli_type, since) for sli_type in SliType))
        return {
            (service_id, sli_type): change
            for sli_type, events in zip(SliType, by_type, strict=True)
            for service_id, event in events.items()
            if (change := change_of(event)).matters(as_of)
        }

    async def _priors(self, scope: Scope, now: datetime) -> LearntPriors:
        """The organisation's priors; services that came after they were learnt have the nearest archetype."""
        priors = await self.priors(now)
        known = priors.availability.archetypes
        if not len(known) or all(one in known.assigned for one in scope.service_ids):
            return priors
        whole = await self.snapshots.current()  # a part of the graph would not know how deep a service lies
        kept = self._assigned
        if kept is None or kept[0] is not priors or kept[1] != whole.version:
            features = await asyncio.to_thread(features_of, whole, {})
            kept = (priors, whole.version, priors.with_archetypes(known.with_newcomers(features)))
            self._assigned = kept
        return kept[2]

    async def _older(self, panel: SliPanel, as_of: datetime, pulled: Pulled | None) -> SliPanel | None:
        """A year of the services that have few days in the usual look-back; None where it adds nothing."""
        young = [
            service_id
            for service_id, known in zip(panel.service_ids, panel.known_days.tolist(), strict=True)
            if 0 < known < self.settings.cold_start_days
        ]
        from_at = as_of - self.settings.prior_lookback_days * DAY
        parts: list[SliPanel] = []
        for first in range(0, len(young), self.young_at_once):
            part = await self.history.read(young[first : first + self.young_at_once], from_at, as_of)
            if pulled is not None:
                part = panel_with(part, pulled.availability)
            known_before = (~np.isnan(part.between(from_at, panel.start_at).total)).any(axis=1)
            if known_before.any():
                parts.append(part.select([part.service_ids[row] for row in np.flatnonzero(known_before)]))
        # Some parts reach back to folded days, others only to hours.
        return below_each_other(parts) if parts else None

    async def _findings(
        self, graph: DependencyGraph, scope: Scope, as_of: datetime
    ) -> Mapping[tuple[str, str], PassThroughFinding]:
        whole = scope.graph if scope.is_whole else await self.snapshots.current()
        return await self.findings.standing(whole, graph.edges_by_caller, as_of)

    async def _availability(
        self, service_ids: Sequence[str], from_at: datetime, as_of: datetime, panel: SliPanel | None
    ) -> SliPanel:
        """``panel``: what was read already."""
        return await self.history.read(service_ids, from_at, as_of) if panel is None else panel

    async def _edges(
        self, pairs: Sequence[tuple[str, str]], from_at: datetime, as_of: datetime
    ) -> EdgePanel | None:
        return await self.history.read_edges(pairs, from_at, as_of) if pairs else None


def _pairs(graph: DependencyGraph) -> list[tuple[str, str]]:
    return [edge.pair for edge in graph.dependencies]


def _with_latency(scope: Scope) -> list[str]:
    return sorted({*scope.asked, *scope.graph.waited_for(scope.asked)})


def _days(from_at: datetime, as_of: datetime) -> tuple[datetime, datetime]:
    return floor_to(from_at, DAY), floor_to(as_of, DAY)
