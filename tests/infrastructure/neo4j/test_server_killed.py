"""A server that dies in the middle of decisions and of an ingestion loses nothing that it had confirmed."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ClaimCounts, ServiceGraph
from sloengine.application.ports.slo_ledger import AuditFilter, Recorded
from sloengine.domain.errors import DomainError
from sloengine.domain.recommendation.model import SliType
from sloengine.infrastructure.embedded import EmbeddedNeo4j
from sloengine.infrastructure.embedded.neo4j_server import FAST_START_JVM_OPTIONS
from sloengine.infrastructure.neo4j import Neo4jStores, stores_on
from sloengine.infrastructure.neo4j.connection import open_connection
from tests.contracts.graph_samples import NOW, claim, merged
from tests.contracts.recommendation_samples import slo
from tests.contracts.test_slo_ledger import decide, put

pytestmark = [pytest.mark.neo4j]

EDGES = [(f"s{n}", f"s{n + 1}") for n in range(4_000)]


async def ingest(graph: ServiceGraph) -> ClaimCounts:
    counts = ClaimCounts()
    for start in range(0, len(EDGES), 200):
        pairs = EDGES[start : start + 200]
        counts = await graph.write_batch(
            ingestion_id="i",
            services=(),
            claims=[claim(*pair) for pair in pairs],
            merged=[merged(*pair) for pair in pairs],
            withdrawn=(),
            removed=(),
            now=NOW,
        )
    return counts


async def test_a_killed_server_keeps_what_it_confirmed_and_work_can_be_run_again(
    tmp_path: Path, neo4j_server: object
):
    server = EmbeddedNeo4j(tmp_path, heap_mb=300, page_cache_mb=32, jvm_options=FAST_START_JVM_OPTIONS)
    confirmed: list[Recorded] = []
    under_way = asyncio.Event()

    async def keep_deciding(stores: Neo4jStores, who: int) -> None:
        for number in range(1_000):
            new = slo(f"slo-{who}-{number}", f"s{who}")
            confirmed.append(
                await decide(stores.ledger, put(new), service_id=f"s{who}", idempotency_key=f"{who}-{number}")
            )
            if len(confirmed) >= 20:
                under_way.set()

    try:
        server.launch()
        address = await asyncio.to_thread(server.wait_ready)
        async with open_connection(address.url, address.user, address.password, retry_seconds=1) as connection:
            stores = stores_on(connection)
            await stores.migrator.up()
            work = [asyncio.create_task(keep_deciding(stores, who)) for who in range(3)]
            work.append(asyncio.create_task(ingest(stores.graph)))
            await under_way.wait()
            os.kill(server.pid, signal.SIGKILL)
            outcomes = await asyncio.gather(*work, return_exceptions=True)
        assert any(isinstance(outcome, DomainError) for outcome in outcomes)

        server.stop()
        server.launch()
        address = await asyncio.to_thread(server.wait_ready)
        async with open_connection(address.url, address.user, address.password) as connection:
            stores = stores_on(connection)
            integrity = await stores.ledger.verify()
            found = await stores.ledger.audit_by_id([one.audit_event.audit_id for one in confirmed])
            last = await stores.ledger.audit(AuditFilter(), PageRequest(200))
            active = await stores.ledger.active(["s0", "s1", "s2"], SliType.AVAILABILITY)
            events = [one for one in await stores.outbox.pending(10_000) if one.kind == "SloChanged"]
            counts = await ingest(stores.graph)
            edges = (await stores.graph.snapshot()).dependencies

        assert integrity.intact
        assert integrity.checked >= len(confirmed) == len(found)
        assert len(events) == integrity.checked
        for service_id, current in active.items():
            newest = next(entry for entry in last.rows if entry.service_id == service_id)
            assert newest.new == current.snapshot()
        assert counts == ClaimCounts(services_created=4_001, edges_created=4_000)
        assert len(edges) == 4_000
    finally:
        server.stop()
