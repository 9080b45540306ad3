"""The merged graph in Neo4j: the port's reads, and its writes by way of ``graph_writes``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph, Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.pass_through_finding import PassThroughFinding
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.neo4j import alerts, graph_writes
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.instants import instant
from sloengine.infrastructure.neo4j.kept_snapshot import KeptSnapshot, read_snapshot
from sloengine.infrastructure.neo4j.neighbourhood import around, walk
from sloengine.infrastructure.neo4j.pass_through_rows import finding_parameters, findings_of_rows
from sloengine.infrastructure.neo4j.service_pages import page_of_services
from sloengine.infrastructure.neo4j.service_rows import (
    claim_of,
    claims_of,
    dependency_of,
    pair_parameters,
    service_of,
    supernode_of,
)

OF_ALL_CALLERS = ""
"""Stands for every caller in the note of a complete list: no service has an empty id."""


class Neo4jServiceGraph:
    """Reads and writes of the merged graph. Holds one snapshot, good as long as the graph version stands."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection
        self._kept = KeptSnapshot(connection)

    async def version(self) -> int:
        """The graph version; 0 before anything was merged."""
        return await self._kept.version()

    async def standing(self) -> GraphStanding:
        """The version, and whether the condensation is behind."""
        [row] = await self._connection.read("graph_standing")
        return GraphStanding(*row)

    async def move_version(self, *, changed: bool, now: datetime, ingestion_id: str | None = None) -> int:
        """The version then in force."""

        async def work(transaction: Transaction) -> int:
            return await graph_writes.move_version(
                transaction, changed=changed, now=now, ingestion_id=ingestion_id
            )

        return await self._connection.in_write(work)

    async def snapshot(self, *, anew: bool = False) -> DependencyGraph:
        """The whole merged graph; read again when the version has moved, or (and then not kept) ``anew``."""
        return await self._connection.in_read(read_snapshot) if anew else await self._kept.current()

    async def shape(self) -> GraphShape:
        """Services and live dependencies, in one read transaction."""
        return await self._connection.in_read(_read_shape)

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self._kept.close()

    async def services(self, service_ids: Sequence[str]) -> Mapping[str, Service]:
        """These services; unknown ids are absent."""
        rows = await self._connection.read("services", service_ids=list(service_ids))
        return {row[0]: service_of(row) for row in rows}

    async def services_by_entity_ref(self, entity_refs: Sequence[str]) -> Mapping[str, Service]:
        """By Backstage entity ref; the keys are the refs as asked for."""
        asked: dict[str, list[str]] = {}
        for entity_ref in entity_refs:
            asked.setdefault(entity_ref.lower(), []).append(entity_ref)
        rows = await self._connection.read("services_by_entity_ref", entity_refs=list(asked))
        return {entity_ref: service_of(row[1:]) for row in rows for entity_ref in asked[row[0]]}

    async def page_of_services(
        self, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
    ) -> Page[Service]:
        """One page; services for which the order's number is not known come last."""
        return await page_of_services(self._connection, wanted, order, page)

    async def dependencies_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges out of each, by dependency; services without any have an empty list."""
        rows = await self._connection.read(
            "dependencies_of", service_ids=list(service_ids), include_stale=include_stale
        )
        found: dict[str, list[Dependency]] = {service_id: [] for service_id in service_ids}
        for caller, dependency, edge, claims in rows:
            found[caller].append(dependency_of(caller, dependency, edge, claims_of(caller, dependency, claims)))
        return found

    async def callers_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges into each, by caller; services without any have an empty list."""
        rows = await self._connection.read(
            "callers_of", service_ids=list(service_ids), include_stale=include_stale
        )
        found: dict[str, list[Dependency]] = {service_id: [] for service_id in service_ids}
        for caller, dependency, edge, claims in rows:
            found[dependency].append(
                dependency_of(caller, dependency, edge, claims_of(caller, dependency, claims))
            )
        return found

    async def neighbourhood(
        self, roots: Sequence[str], *, depth: int, towards_callers: bool, include_stale: bool, limit: int
    ) -> Neighbourhood:
        """From the snapshot while that is good, else walked in the database, while the snapshot is read anew."""
        snapshot = await self._kept.good()
        if snapshot is not None:
            return around(
                snapshot,
                roots,
                depth=depth,
                towards_callers=towards_callers,
                include_stale=include_stale,
                limit=limit,
            )
        self._kept.refresh()
        return await self._connection.in_read(
            lambda transaction: walk(
                transaction,
                roots,
                depth=depth,
                towards_callers=towards_callers,
                include_stale=include_stale,
                limit=limit,
            )
        )

    async def register(self, services: Sequence[Service], *, now: datetime) -> Sequence[Service]:
        """Create or update; the services as they then stand, in the order given."""
        if not services:
            return []
        return await self._connection.in_write(
            lambda transaction: graph_writes.register(transaction, services, now), knows_itself=True
        )

    async def register_once(
        self, stated: RegisteredServices, request: KeyedRequest, *, now: datetime
    ) -> RegisteredServices:
        """Create or update and keep the answer, once."""
        return await graph_writes.register_once(self._connection, stated, request, now)

    async def note_budgets(self, remaining: Mapping[str, float | None]) -> None:
        """Keep what is left of the error budgets of these services."""
        rows = [{"service_id": service_id, "remaining": left} for service_id, left in remaining.items()]
        await self._connection.write("note_budgets", rows=rows)

    async def note_pass_through(
        self,
        pairs: Sequence[tuple[str, str]],
        findings: Mapping[tuple[str, str], PassThroughFinding],
    ) -> None:
        """One statement for all."""
        await self._connection.write("note_pass_through", rows=finding_parameters(pairs, findings))

    async def void_pass_through(self, *, at: datetime) -> None:
        """Findings learnt up to then no longer count."""
        await self._connection.write("void_pass_through", at=at)

    async def pass_through_standing(self) -> PassThroughStanding:
        """Which findings are stored, and from when on they count."""
        for revision, void_before in await self._connection.read("pass_through_standing"):
            return PassThroughStanding(revision, None if void_before is None else void_before.to_native())
        return PassThroughStanding(None, None)

    async def pass_through_findings(self, callers: Sequence[str]) -> Mapping[tuple[str, str], PassThroughFinding]:
        """What was found of these callers' edges."""
        rows = await self._connection.read("pass_through_findings", callers=list(callers))
        return await asyncio.to_thread(findings_of_rows, rows)

    async def measured_pass_through(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Estimate]:
        """What was kept of these edges."""
        rows = await self._connection.read("measured_pass_through", pairs=pair_parameters(pairs))
        return {(caller, dependency): Estimate(*found) for caller, dependency, *found in rows}

    async def claims_between(
        self, pairs: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Sequence[DependencyClaim]]:
        """All claims on these pairs; pairs without any are absent."""
        found: dict[tuple[str, str], list[DependencyClaim]] = {}

        async def work(transaction: Transaction) -> None:
            found.clear()
            async for caller, claims in transaction.stream("read/claims_between", pairs=pair_parameters(pairs)):
                for dependency, *claim in claims:
                    found.setdefault((caller, dependency), []).append(claim_of(caller, dependency, claim))

        await self._connection.in_read(work)
        return found

    async def pairs_claimed_by(
        self, source: DiscoverySource, callers: Sequence[str] | None
    ) -> Sequence[tuple[str, str]]:
        """Pairs that this source claims, by caller and dependency."""
        rows = await self._connection.read(
            "pairs_claimed_by", source=source.value, callers=None if callers is None else list(callers)
        )
        return [(caller, dependency) for caller, dependencies in rows for dependency in dependencies]

    async def listed_at(self, source: DiscoverySource, callers: Sequence[str]) -> Mapping[str, datetime]:
        """As of when this source last listed all of each caller."""
        rows = await self._connection.read("listed_at", source=source.value, callers=list(callers))
        of_all = next((at_us for caller, at_us in rows if caller == OF_ALL_CALLERS), None)
        found = dict.fromkeys(callers, of_all) if of_all is not None else {}
        for caller, at_us in rows:
            if caller != OF_ALL_CALLERS:
                found[caller] = max(at_us, of_all or at_us)
        return {caller: instant(at_us) for caller, at_us in found.items() if at_us is not None}

    async def note_listing(self, source: DiscoverySource, callers: Sequence[str] | None, *, at: datetime) -> None:
        """Keep the later one."""
        named = [OF_ALL_CALLERS] if callers is None else sorted(set(callers))
        await self._connection.write("note_listing", source=source.value, callers=named, at=at)

    async def write_batch(
        self,
        *,
        ingestion_id: str,
        services: Sequence[Service],
        claims: Sequence[DependencyClaim],
        merged: Sequence[Dependency],
        withdrawn: Sequence[tuple[str, str, DiscoverySource]],
        removed: Sequence[tuple[str, str]],
        now: datetime,
        repeated: Mapping[tuple[str, str], datetime] = NOTHING_REPEATED,
    ) -> ClaimCounts:
        """One transaction; the counts are those of the ingestion so far, over all its batches and runs."""
        return await graph_writes.write_batch(
            self._connection,
            graph_writes.Batch(ingestion_id, services, claims, merged, withdrawn, removed, now, repeated),
        )

    async def write_condensation(
        self,
        *,
        supernodes: Sequence[Supernode],
        edges: Sequence[tuple[str, str]],
        alerts: Sequence[CircularDependencyAlert],
        changed: bool,
        now: datetime,
        ingestion_id: str | None = None,
    ) -> int:
        """One transaction; only what differs from the condensation as stored is written."""
        return await graph_writes.write_condensation(
            self._connection,
            supernodes=supernodes,
            edges=edges,
            alerts=alerts,
            changed=changed,
            now=now,
            ingestion_id=ingestion_id,
        )

    async def alerts(self, status: AlertStatus | None, page: PageRequest) -> Page[CircularDependencyAlert]:
        """Newest first."""
        return await alerts.page_of_alerts(self._connection, status, page)

    async def alerts_by_id(self, alert_ids: Sequence[str]) -> Mapping[str, CircularDependencyAlert]:
        """These alerts; unknown ids are absent."""
        return await alerts.alerts_by_id(self._connection, alert_ids)

    async def set_alert_status(
        self, alert_id: str, status: AlertStatus, *, note: str | None, actor: str, now: datetime
    ) -> CircularDependencyAlert | None:
        """Change an alert; a note of None leaves the earlier one."""
        return await alerts.set_status(self._connection, alert_id, status, note=note, actor=actor, now=now)

    async def supernodes_of(self, service_ids: Sequence[str]) -> Mapping[str, Supernode]:
        """The supernode that each of these services is in."""
        rows = await self._connection.read("supernodes_of", service_ids=list(service_ids))
        found: dict[str, Supernode] = {}
        for *row, asked_for in rows:
            found |= dict.fromkeys(asked_for, supernode_of(row))
        return found


async def _read_shape(transaction: Transaction) -> GraphShape:
    service_ids: list[str] = []
    pairs: list[tuple[str, str]] = []
    async for service_id, dependencies in transaction.stream("read/graph_shape"):
        service_ids.append(service_id)
        pairs.extend((service_id, dependency) for dependency in sorted(dependencies))
    known = set(service_ids)
    return GraphShape(
        service_ids,
        # A batch that commits while the rows stream may name a service that was not there yet.
        [pair for pair in pairs if pair[1] in known],
        [supernode_of(row) for row in await transaction.rows("read/supernodes")],
    )
