"""Writes of services, claims, merged edges and cycles into dicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sloengine.application.ports.service_graph import ClaimCounts
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import CircularDependencyAlert
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.alert_documents import detected_event
from sloengine.infrastructure.memory.database import MemoryDatabase, Pair
from sloengine.infrastructure.told_events import graph_event


def register(database: MemoryDatabase, services: Sequence[Service], now: datetime) -> list[Service]:
    """Create or update what a person states; as they stand then."""
    stored = [_upsert(database, replace(service, discovered=False), now) for service in services]
    if any(changed for _, changed in stored):
        move_version(database, changed=True, now=now)
    return [service for service, _ in stored]


def write_batch(
    database: MemoryDatabase,
    *,
    ingestion_id: str,
    services: Sequence[Service],
    claims: Sequence[DependencyClaim],
    merged: Sequence[Dependency],
    withdrawn: Sequence[tuple[str, str, DiscoverySource]],
    removed: Sequence[Pair],
    now: datetime,
) -> ClaimCounts:
    """One batch, and what the ingestion has changed so far."""
    created, made, updated, gone = database.created_by.setdefault(ingestion_id, (set(), set(), set(), set()))
    shape, pending = _shape(database), (len(updated), database.services.copy())
    ends = {end for claim in claims for end in (claim.caller, claim.dependency)}
    ends -= {*database.services, *(service.service_id for service in services)}
    for service in [*services, *(Service(end, discovered=True) for end in sorted(ends))]:
        if service.service_id not in database.services:
            created.add(service.service_id)
        _upsert(database, service, now)
    for claim in claims:
        database.claims[claim.caller, claim.dependency, claim.source] = claim
    for key in withdrawn:
        database.claims.pop(key, None)
    for edge in merged:
        _write_edge(database, replace(edge, claims=()), made, updated)
    for pair in removed:
        if database.merged.pop(pair, None) is not None:
            database.pass_through.pop(pair, None)
            gone.add(pair)
    reshaped = _shape(database) != shape
    database.is_reshaped = database.is_reshaped or reshaped
    if reshaped or pending != (len(updated), database.services):
        database.has_pending_change = True
    return ClaimCounts(len(created), len(made), len(updated), len(gone))


def move_version(
    database: MemoryDatabase, *, changed: bool, now: datetime, ingestion_id: str | None = None
) -> int:
    """The version then in force; that it has moved is told."""
    if changed or database.has_pending_change:
        database.version += 1
        event = graph_event(database.version, ingestion_id, now)
        database.outbox[event.event_id] = event
    database.has_pending_change = False
    return database.version


def write_condensation(
    database: MemoryDatabase,
    supernodes: Sequence[Supernode],
    edges: Sequence[Pair],
    alerts: Sequence[CircularDependencyAlert],
    now: datetime,
) -> None:
    """Replace supernodes and condensation edges, upsert alerts. Raises ``Conflict``."""
    stored = {alert.alert_id: database.alerts.get(alert.alert_id) for alert in alerts}
    for alert in alerts:
        known = stored[alert.alert_id]
        if known is not None and known.revision != alert.revision - 1:
            raise Conflict(f"alert {alert.alert_id!r} was changed meanwhile")
    database.supernodes = {node.supernode_id: node for node in supernodes}
    database.condensation = tuple(edges)
    database.is_reshaped = False
    database.alerts.update({alert.alert_id: alert for alert in alerts})
    for alert in sorted(alerts, key=lambda one: one.alert_id):
        if stored[alert.alert_id] is None:
            event = detected_event(alert, now)
            database.outbox[event.event_id] = event


def _upsert(database: MemoryDatabase, service: Service, now: datetime) -> tuple[Service, bool]:
    old = database.services.get(service.service_id)
    if old is None:
        new = replace(service, created_at=now, updated_at=now)
        database.services[service.service_id] = new
        return new, True
    new = replace(
        old,
        name=service.name or old.name,
        team=service.team or old.team,
        criticality=service.criticality or old.criticality,
        entity_ref=service.entity_ref or old.entity_ref,
        external=service.external,
        discovered=old.discovered and service.discovered,
        published_availability_ratio=(
            old.published_availability_ratio
            if service.published_availability_ratio is None
            else service.published_availability_ratio
        ),
        metadata=service.metadata or old.metadata,
    )
    if new == old:
        return old, False
    database.services[service.service_id] = replace(new, updated_at=now)
    return database.services[service.service_id], True


def _shape(database: MemoryDatabase) -> tuple[set[str], set[tuple[Pair, bool]]]:
    """Services, and dependencies with whether they are stale."""
    return set(database.services), {(pair, edge.is_stale) for pair, edge in database.merged.items()}


def _write_edge(database: MemoryDatabase, edge: Dependency, made: set[Pair], updated: set[Pair]) -> None:
    pair = (edge.caller, edge.dependency)
    before = database.merged.get(pair)
    database.merged[pair] = edge
    if before is None:
        made.add(pair)
    elif _said(before) != _said(edge) and pair not in made:
        updated.add(pair)


def _said(edge: Dependency) -> Dependency:
    """What an edge says of the call, without how sure and how recent that is."""
    return replace(edge, confidence=0.0, last_observed_at=None)
