"""Writes of the merged graph: batches of an ingestion, registration, the condensation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.service_graph import ClaimCounts, RegisteredServices
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import CircularDependencyAlert
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.alerts import write_alerts
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.idempotency import IdempotencyKey
from sloengine.infrastructure.neo4j.outbox import event_properties
from sloengine.infrastructure.neo4j.service_rows import (
    Pair,
    Times,
    dependency_parameters,
    seen_again,
    service_of,
    service_parameters,
)
from sloengine.infrastructure.told_events import graph_event

_ROWS_AT_ONCE = 500
"""Rows of one statement: few enough that building them never holds up other tasks for long."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What ``ServiceGraph.write_batch`` was given."""

    ingestion_id: str
    services: Sequence[Service]
    claims: Sequence[DependencyClaim]
    merged: Sequence[Dependency]
    withdrawn: Sequence[tuple[str, str, DiscoverySource]]
    removed: Sequence[tuple[str, str]]
    now: datetime
    repeated: Mapping[Pair, datetime]


async def write_batch(connection: Neo4jConnection, batch: Batch) -> ClaimCounts:
    """One batch in one transaction; the counts of its ingestion so far."""

    async def work(transaction: Transaction) -> ClaimCounts:
        services_created, services_changed = await _merge_services(transaction, batch)
        edges_created, edges_updated, reshaped = await _merge_edges(transaction, batch)
        edges_removed = 0
        for withdrawn in _slices(sorted(batch.withdrawn)):
            rows = [{"caller": c, "dependency": d, "source": source.value} for c, d, source in withdrawn]
            await transaction.rows("write/withdraw_claims", rows=rows)
        for removed in _slices(sorted(batch.removed)):
            pairs = [{"caller": caller, "dependency": dependency} for caller, dependency in removed]
            edges_removed += first_of(await transaction.rows("write/remove_dependencies", rows=pairs))
        if services_created or services_changed or edges_created or edges_updated or edges_removed:
            await transaction.rows(
                "write/note_graph_change", is_reshaped=bool(services_created or reshaped or edges_removed)
            )
        [tally] = await transaction.rows(
            "write/tally_ingestion",
            ingestion_id=batch.ingestion_id,
            services_created=services_created,
            edges_created=edges_created,
            edges_updated=edges_updated,
            edges_removed=edges_removed,
        )
        return ClaimCounts(*tally)

    return await connection.in_write(work)


async def register(transaction: Transaction, services: Sequence[Service], now: datetime) -> list[Service]:
    """Create or update services as a person states them; moves the graph version when anything changed.

    The services as they then stand, in the order given.
    """
    rows = [service_parameters(service) for service in services]
    [(created, changed)] = await transaction.rows("write/register_services", rows=rows, now=now)
    await transaction.rows("write/add_lone_components", service_ids=created)
    await transaction.rows("write/link_history_of_new_services", service_ids=created)
    await move_version(transaction, changed=changed > 0, now=now)
    return await _as_they_stand(transaction, services)


async def move_version(
    transaction: Transaction, *, changed: bool, now: datetime, ingestion_id: str | None = None
) -> int:
    """The graph version then in force; that it has moved is told, with the ingestion that has moved it."""
    event = event_properties(graph_event(0, ingestion_id, now), 0)
    ingestion = orjson.dumps(ingestion_id).decode()
    version: int = first_of(
        await transaction.rows(
            "write/move_graph_version", changed=changed, event=event, ingestion=ingestion, now=now
        )
    )
    return version


async def register_once(
    connection: Neo4jConnection, stated: RegisteredServices, request: KeyedRequest, now: datetime
) -> RegisteredServices:
    """Register and keep the answer in one transaction, or give the earlier answer."""
    key = IdempotencyKey.of(request)

    async def work(transaction: Transaction) -> RegisteredServices:
        earlier = await key.earlier_answer(transaction, now)
        if earlier is not None:
            return decode(RegisteredServices, earlier)
        stored = await register(transaction, stated.services, now) if stated.services else []
        answer = replace(stated, services=stored)
        await key.keep(transaction, encode(answer).decode())
        return answer

    return await connection.in_write(work, knows_itself=True)


async def _as_they_stand(transaction: Transaction, services: Sequence[Service]) -> list[Service]:
    rows = await transaction.rows("read/services", service_ids=[service.service_id for service in services])
    stored = {row[0]: service_of(row) for row in rows}
    return [stored[service.service_id] for service in services]


async def write_condensation(
    connection: Neo4jConnection,
    *,
    supernodes: Sequence[Supernode],
    edges: Sequence[tuple[str, str]],
    alerts: Sequence[CircularDependencyAlert],
    changed: bool,
    now: datetime,
    ingestion_id: str | None = None,
) -> int:
    """Bring the stored condensation to this one; the graph version then in force."""
    wanted = await asyncio.to_thread(_grouped, edges)
    members = {member for supernode in supernodes for member in supernode.members}
    wanted_supernodes = {supernode.supernode_id for supernode in supernodes}
    supernode_rows = [
        {"supernode_id": s.supernode_id, "members": list(s.members), "cycle_path": list(s.cycle_path)}
        for s in supernodes
    ]

    async def work(transaction: Transaction) -> int:
        version = await move_version(transaction, changed=changed, now=now, ingestion_id=ingestion_id)
        stored: dict[str, set[str]] = {}
        stored_supernodes: set[str] = set()
        async for component_id, is_supernode, dependencies in transaction.stream("read/condensation"):
            stored[component_id] = set(dependencies)
            if is_supernode:
                stored_supernodes.add(component_id)
        gone = stored_supernodes - wanted_supernodes
        joined = (stored.keys() - stored_supernodes) & members
        if gone:
            await transaction.rows("write/drop_supernodes", supernode_ids=sorted(gone))
        if joined:
            await transaction.rows("write/drop_lone_components", service_ids=sorted(joined))
        kept = {component: stored[component] - gone - joined for component in stored.keys() - gone - joined}
        apart = sorted(set(first_of(await transaction.rows("read/lone_services"))) - members)
        if apart:
            await transaction.rows("write/add_lone_components", service_ids=apart)
        for rows in _slices(supernode_rows):
            await transaction.rows("write/merge_supernodes", rows=rows, now=now)
        # Tens of thousands of pairs: beside the event loop, so that it goes on meanwhile.
        for rows in _slices(await asyncio.to_thread(_missing, kept, wanted)):
            await transaction.rows("write/remove_condensed_edges", rows=rows)
        for rows in _slices(await asyncio.to_thread(_missing, wanted, kept)):
            await transaction.rows("write/add_condensed_edges", rows=rows)
        await transaction.rows("write/note_condensed")
        if alerts:
            await write_alerts(transaction, alerts, now=now)
        return version

    return await connection.in_write(work)


async def _merge_edges(transaction: Transaction, batch: Batch) -> tuple[int, int, int]:
    """Claims and merged edges; how many edges were created, how many changed, how many came or went."""
    claims: dict[Pair, list[DependencyClaim]] = {}
    for claim in batch.claims:
        claims.setdefault((claim.caller, claim.dependency), []).append(claim)
    edges = {edge.pair: edge for edge in batch.merged}
    astray = claims.keys() - edges.keys()
    if astray:
        raise ValueError(f"claims on {len(astray)} pairs without a merged edge, such as {min(astray)}")
    repeated = {pair for pair in batch.repeated if len(claims.get(pair, ())) == 1}
    fresh = {pair for pair in claims.keys() - repeated if _is_probably_new(edges[pair], claims[pair])}
    known = edges.keys() - fresh - repeated
    created = updated = reshaped = 0
    for pairs in _slices(sorted(repeated)):
        seen = seen_again(pairs, edges, claims, batch.repeated)
        await asyncio.sleep(0)
        [(touched,)] = await transaction.rows("write/see_dependencies_again", **seen)
        known.update(set(pairs) - {(caller, dependency) for caller, dependency in touched})
        await asyncio.sleep(0)
    for pairs in _slices(sorted(fresh)):
        statement = _statement(pairs, edges, claims, batch.ingestion_id)
        await asyncio.sleep(0)  # sending packs it, which takes as long again
        [(made, found)] = await transaction.rows("write/create_dependencies", **statement)
        created += made
        reshaped += made
        known.update((caller, dependency) for caller, dependency in found)
        await asyncio.sleep(0)
    for pairs in _slices(sorted(known)):
        statement = _statement(pairs, edges, claims, batch.ingestion_id)
        await asyncio.sleep(0)  # sending packs it, which takes as long again
        [counts] = await transaction.rows("write/merge_dependencies", **statement)
        created += counts[0]
        updated += counts[1]
        reshaped += counts[2]
        await asyncio.sleep(0)
    return created, updated, reshaped


def _is_probably_new(edge: Dependency, claims: Sequence[DependencyClaim]) -> bool:
    """Nobody else claims this edge, and its source does for the first time. The statement looks whether so."""
    return len(edge.claims) <= 1 and all(claim.first_seen_at == claim.last_seen_at for claim in claims)


def _statement(
    pairs: Sequence[Pair],
    edges: Mapping[Pair, Dependency],
    claims: Mapping[Pair, Sequence[DependencyClaim]],
    ingestion_id: str,
) -> dict[str, Any]:
    """Parameters of a write of these pairs, in order; each caller in one row."""
    times = Times()
    rows = [
        {"caller": caller, "edges": [dependency_parameters(edges[p], claims.get(p, ()), times) for p in of_caller]}
        for caller, of_caller in groupby(pairs, key=lambda pair: pair[0])
    ]
    return {"rows": rows, "times": times.values, "ingestion_id": ingestion_id}


async def _merge_services(transaction: Transaction, batch: Batch) -> tuple[int, int]:
    """How many services were created and how many changed."""
    stated = {service.service_id: service for service in batch.services}
    ends = {end for claim in batch.claims for end in (claim.caller, claim.dependency)}
    ends.update(end for edge in batch.merged for end in edge.pair)
    created: list[str] = []
    changed = 0
    for services in _slices(sorted(stated.values(), key=lambda service: service.service_id)):
        rows = [service_parameters(service) for service in services]
        [(new, altered)] = await transaction.rows("write/merge_services", rows=rows, now=batch.now)
        created += new
        changed += altered
    for service_ids in _slices(sorted(ends - stated.keys())):
        created += first_of(
            await transaction.rows("write/merge_endpoints", service_ids=service_ids, now=batch.now)
        )
    if created:
        await transaction.rows("write/link_history_of_new_services", service_ids=created)
    return len(created), changed


def _slices[Row](rows: Sequence[Row]) -> list[list[Row]]:
    return [list(rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(rows), _ROWS_AT_ONCE)]


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for caller, dependency in pairs:
        grouped.setdefault(caller, set()).add(dependency)
    return grouped


def _missing(these: Mapping[str, set[str]], those: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """Pairs of ``these`` that ``those`` lack, a row a caller."""
    nothing: set[str] = set()
    rows: list[dict[str, Any]] = []
    for caller, dependencies in sorted(these.items()):
        missing = dependencies - those.get(caller, nothing)
        if missing:
            rows.append({"caller": caller, "dependencies": sorted(missing)})
    return rows
