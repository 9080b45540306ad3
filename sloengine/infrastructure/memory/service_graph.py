"""The service graph in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.service_graph import (
    NOTHING_REPEATED,
    ClaimCounts,
    GraphShape,
    GraphStanding,
    Neighbourhood,
    PassThroughStanding,
    RegisteredServices,
    ServiceFilter,
    ServiceOrder,
)
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.alerts import decided
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph, Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.pass_through_finding import PassThroughFinding
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory import graph_writes
from sloengine.infrastructure.memory.database import MemoryDatabase, Pair
from sloengine.infrastructure.memory.idempotency import earlier_answer, keep
from sloengine.infrastructure.memory.paging import cut
from sloengine.infrastructure.memory.service_pages import page_of_services


class MemoryServiceGraph:
    """Keeps the ``ServiceGraph`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def version(self) -> int:
        """The graph version."""
        return self._db.version

    async def standing(self) -> GraphStanding:
        """The version, and whether the condensation is behind."""
        return GraphStanding(self._db.version, len(self._db.supernodes), self._db.is_reshaped)

    async def move_version(self, *, changed: bool, now: datetime, ingestion_id: str | None = None) -> int:
        """The version then in force."""
        return graph_writes.move_version(self._db, changed=changed, now=now, ingestion_id=ingestion_id)

    async def snapshot(self, *, anew: bool = False) -> DependencyGraph:
        """The whole merged graph."""
        services = tuple(self._db.services[key] for key in sorted(self._db.services))
        edges = tuple(replace(self._db.merged[pair], claims=()) for pair in sorted(self._db.merged))
        return DependencyGraph(services, edges, self._db.version, tuple(self._db.supernodes.values()))

    async def shape(self) -> GraphShape:
        """Services and live dependencies."""
        live = [pair for pair in sorted(self._db.merged) if not self._db.merged[pair].is_stale]
        return GraphShape(sorted(self._db.services), live, tuple(self._db.supernodes.values()))

    async def services(self, service_ids: Sequence[str]) -> Mapping[str, Service]:
        """These services."""
        return {key: self._db.services[key] for key in service_ids if key in self._db.services}

    async def services_by_entity_ref(self, entity_refs: Sequence[str]) -> Mapping[str, Service]:
        """By entity ref, lower-cased."""
        known = {s.entity_ref.lower(): s for s in self._db.services.values() if s.entity_ref}
        return {ref: known[ref.lower()] for ref in entity_refs if ref.lower() in known}

    async def page_of_services(
        self, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
    ) -> Page[Service]:
        """One page of the services."""
        return page_of_services(self._db, wanted, order, page)

    async def dependencies_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges out of each."""
        return self._edges(service_ids, 0, include_stale=include_stale)

    async def callers_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges into each."""
        return self._edges(service_ids, 1, include_stale=include_stale)

    def _edges(self, service_ids: Sequence[str], end: int, *, include_stale: bool) -> dict[str, list[Dependency]]:
        found: dict[str, list[Dependency]] = {key: [] for key in service_ids if key in self._db.services}
        for pair in sorted(self._db.merged):
            edge = self._db.merged[pair]
            if pair[end] in found and (include_stale or not edge.is_stale):
                found[pair[end]].append(replace(edge, claims=self._claims_on(pair)))
        return found

    def _claims_on(self, pair: Pair) -> tuple[DependencyClaim, ...]:
        keys = ((*pair, source) for source in DiscoverySource)
        return tuple(self._db.claims[key] for key in keys if key in self._db.claims)

    async def neighbourhood(
        self, roots: Sequence[str], *, depth: int, towards_callers: bool, include_stale: bool, limit: int
    ) -> Neighbourhood:
        """Services around the roots, the edges among them, their cycles."""
        graph = await self.snapshot()
        if not include_stale:
            live = tuple(edge for edge in graph.dependencies if not edge.is_stale)
            graph = DependencyGraph(graph.services, live, graph.version, graph.supernodes)
        found = graph.subgraph(graph.distances(roots, depth, towards_callers=towards_callers))
        cycles = await self.supernodes_of([service.service_id for service in found.services])
        return Neighbourhood(
            found.services,
            found.dependencies[:limit],
            tuple({node.supernode_id: node for node in cycles.values()}.values()),
            found.version,
            len(found.dependencies) > limit,
        )

    async def register(self, services: Sequence[Service], *, now: datetime) -> Sequence[Service]:
        """Create or update."""
        return graph_writes.register(self._db, services, now)

    async def register_once(
        self, stated: RegisteredServices, request: KeyedRequest, *, now: datetime
    ) -> RegisteredServices:
        """Create or update, once."""
        earlier: RegisteredServices | None = earlier_answer(self._db, request, now)
        if earlier is not None:
            return earlier
        answer = replace(stated, services=tuple(await self.register(stated.services, now=now)))
        keep(self._db, request, answer, now)
        return answer

    async def note_budgets(self, remaining: Mapping[str, float | None]) -> None:
        """Keep what is left."""
        for service_id, left in remaining.items():
            if left is None or service_id not in self._db.services:
                self._db.budgets.pop(service_id, None)
            else:
                self._db.budgets[service_id] = left

    async def note_pass_through(self, pairs: Sequence[Pair], findings: Mapping[Pair, PassThroughFinding]) -> None:
        """Keep what was found."""
        for pair in pairs:
            if pair in findings and pair in self._db.merged:
                self._db.pass_through[pair] = findings[pair]
            else:
                self._db.pass_through.pop(pair, None)
        self._db.pass_through_revision += 1

    async def void_pass_through(self, *, at: datetime) -> None:
        """Findings learnt up to then no longer count."""
        self._db.pass_through_void_before = at
        self._db.pass_through_revision += 1

    async def pass_through_standing(self) -> PassThroughStanding:
        """Which findings are stored."""
        revision = self._db.pass_through_revision
        return PassThroughStanding(str(revision) if revision else None, self._db.pass_through_void_before)

    async def pass_through_findings(self, callers: Sequence[str]) -> Mapping[Pair, PassThroughFinding]:
        """What was found."""
        wanted = set(callers)
        return {pair: found for pair, found in self._db.pass_through.items() if pair[0] in wanted}

    async def measured_pass_through(self, pairs: Sequence[Pair]) -> Mapping[Pair, Estimate]:
        """What was measured."""
        kept = {pair: self._db.pass_through[pair].measured for pair in pairs if pair in self._db.pass_through}
        return {pair: measured for pair, measured in kept.items() if measured is not None}

    async def claims_between(self, pairs: Sequence[Pair]) -> Mapping[Pair, Sequence[DependencyClaim]]:
        """All claims on these pairs."""
        found = {pair: self._claims_on(pair) for pair in pairs}
        return {pair: claims for pair, claims in found.items() if claims}

    async def pairs_claimed_by(self, source: DiscoverySource, callers: Sequence[str] | None) -> Sequence[Pair]:
        """Pairs that this source claims."""
        wanted = None if callers is None else set(callers)
        return sorted(
            (caller, dependency)
            for caller, dependency, who in self._db.claims
            if who is source and (wanted is None or caller in wanted)
        )

    async def listed_at(self, source: DiscoverySource, callers: Sequence[str]) -> Mapping[str, datetime]:
        """As of when this source last listed all of each caller."""
        found: dict[str, datetime] = {}
        for caller in callers:
            marks = [
                self._db.listings[key] for key in ((source, None), (source, caller)) if key in self._db.listings
            ]
            if marks:
                found[caller] = max(marks)
        return found

    async def note_listing(self, source: DiscoverySource, callers: Sequence[str] | None, *, at: datetime) -> None:
        """Keep the later one."""
        for caller in (None,) if callers is None else callers:
            self._db.listings[source, caller] = max(at, self._db.listings.get((source, caller), at))

    async def write_batch(
        self,
        *,
        ingestion_id: str,
        services: Sequence[Service],
        claims: Sequence[DependencyClaim],
        merged: Sequence[Dependency],
        withdrawn: Sequence[tuple[str, str, DiscoverySource]],
        removed: Sequence[Pair],
        now: datetime,
        repeated: Mapping[Pair, datetime] = NOTHING_REPEATED,
    ) -> ClaimCounts:
        """One batch; what an ingestion created stays counted as created when it runs again."""
        return graph_writes.write_batch(
            self._db,
            ingestion_id=ingestion_id,
            services=services,
            claims=claims,
            merged=merged,
            withdrawn=withdrawn,
            removed=removed,
            now=now,
        )

    async def write_condensation(
        self,
        *,
        supernodes: Sequence[Supernode],
        edges: Sequence[Pair],
        alerts: Sequence[CircularDependencyAlert],
        changed: bool,
        now: datetime,
        ingestion_id: str | None = None,
    ) -> int:
        """Replace supernodes and condensation edges, upsert alerts."""
        graph_writes.write_condensation(self._db, supernodes, edges, alerts, now)
        return await self.move_version(changed=changed, now=now, ingestion_id=ingestion_id)

    async def alerts(self, status: AlertStatus | None, page: PageRequest) -> Page[CircularDependencyAlert]:
        """Newest first."""
        rows = [alert for alert in self._db.alerts.values() if status is None or alert.status is status]
        return cut(rows, lambda alert: (-alert.detected_at.timestamp(), alert.alert_id), page)

    async def alerts_by_id(self, alert_ids: Sequence[str]) -> Mapping[str, CircularDependencyAlert]:
        """These alerts."""
        return {key: self._db.alerts[key] for key in alert_ids if key in self._db.alerts}

    async def supernodes_of(self, service_ids: Sequence[str]) -> Mapping[str, Supernode]:
        """The supernode of each."""
        home = {member: node for node in self._db.supernodes.values() for member in node.members}
        return {key: home[key] for key in service_ids if key in home}

    async def set_alert_status(
        self, alert_id: str, status: AlertStatus, *, note: str | None, actor: str, now: datetime
    ) -> CircularDependencyAlert | None:
        """Change an alert."""
        alert = self._db.alerts.get(alert_id)
        if alert is None:
            return None
        changed = decided(alert, status, note=note, actor=actor, now=now)
        self._db.alerts[alert_id] = changed
        return changed
