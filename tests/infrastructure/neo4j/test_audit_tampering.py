from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from sloengine.domain.governance.hash_chain import ChainHead
from sloengine.domain.governance.model import AuditIntegrity
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.console import run_cypher
from sloengine.infrastructure.neo4j.slo_ledger import verified
from tests.contracts.recommendation_samples import NOW, slo
from tests.contracts.test_slo_ledger import decide, put


@pytest.fixture
async def trail(stores: Neo4jStores) -> Neo4jStores:
    """Six decisions, the SLO of the same service replaced each time."""
    for number in range(6):
        new = slo(f"slo-{number}", ratio=0.99 + number / 1000)
        await decide(stores.ledger, put(new), now=NOW + timedelta(minutes=number))
    return stores


async def test_an_untouched_trail_is_intact_and_linked(trail: Neo4jStores):
    integrity = await trail.ledger.verify()
    linked = await run_cypher(
        trail.connection, "MATCH (:AuditEvent {sequence: 6})-[:FOLLOWS*5]->(first) RETURN first.sequence"
    )

    assert (integrity.intact, integrity.checked) == (True, 6)
    assert linked.rows == ((1,),)


@pytest.mark.parametrize(
    ("tampering", "first_broken"),
    [
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.actor = 'user:mallory'", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.action = 'ACCEPT'", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.action = 'NONSENSE'", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.at = e.at + duration('PT0.000001S')", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.new = replace(e.new, '0.992', '0.993')", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.new = 'no JSON'", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.delta = []", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) REMOVE e.rationale", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) REMOVE e.at", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) SET e.hash = e.previous_hash", 3),
        ("MATCH (e:AuditEvent {sequence: 3}) DETACH DELETE e", 3),
        ("MATCH (e:AuditEvent {sequence: 1}) DETACH DELETE e", 1),
        ("MATCH (e:AuditEvent {sequence: 6}) DETACH DELETE e", 6),
        ("MATCH (e:AuditEvent) WHERE e.sequence > 4 DETACH DELETE e", 5),
        ("MATCH (e:AuditEvent) DETACH DELETE e", 1),
        (
            "MATCH (a:AuditEvent {sequence: 2}), (b:AuditEvent {sequence: 4}) SET a.sequence = -1 "
            "WITH a, b SET b.sequence = 2 WITH a SET a.sequence = 4",
            2,
        ),
        ("CREATE (:AuditEvent {audit_id: 'x', sequence: 7, action: 'SET'})", 7),
        ("MATCH (h:AuditHead) SET h.hash = 'x'", 6),
        ("MATCH (h:AuditHead) SET h.sequence = 5", 6),
    ],
)
async def test_tampering_shows_where_it_was_done(trail: Neo4jStores, tampering: str, first_broken: int):
    await run_cypher(trail.connection, tampering, write=True)

    integrity = await trail.ledger.verify()

    assert (integrity.intact, integrity.first_broken_sequence) == (False, first_broken)


async def test_a_trail_is_checked_while_it_is_read_and_not_beyond_where_it_breaks():
    read = 0

    async def rows() -> AsyncGenerator[list[Any]]:
        nonlocal read
        for number in range(1, 1_001):
            read += 1
            yield ["id", number, "SET", "user:a", "web", None, 0, "not its hash", "", None, None, None, None, None]

    integrity = await verified(rows(), ChainHead(1_000, "head"))

    assert integrity == AuditIntegrity(False, 1, 1, "head")
    assert read == 1
