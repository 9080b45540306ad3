"""What is stored of an ingestion until it is merged."""

from __future__ import annotations

import pytest

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.infrastructure.neo4j import Neo4jStores

ROWS = b"\n".join(b'{"caller": "service-%d", "dependency": "service-%d"}' % (n, n + 1) for n in range(30_000))
QUEUED = Ingestion("i1", DiscoverySource.OTEL, JobStatus.QUEUED)


async def submit(stores: Neo4jStores, payload: bytes) -> None:
    await stores.ingestions.submit(QUEUED, payload, actor="user:a", request=None)


async def test_rows_take_a_fraction_of_their_size_in_the_database(stores: Neo4jStores):
    await submit(stores, ROWS)

    rows = await stores.connection.read("ingestion_payload", ingestion_id="i1")

    assert sum(len(bytes(piece)) for piece, _ in rows) < len(ROWS) / 4
    assert await stores.ingestions.payload("i1") == ROWS


async def test_a_payload_that_was_stored_as_it_is_can_still_be_read(stores: Neo4jStores):
    await submit(stores, b"")
    pieces = [b"x\x9c, which looks packed", b" and is not"]
    await stores.connection.write("store_ingestion_payload", ingestion_id="i1", pieces=pieces, encoding=None)

    assert await stores.ingestions.payload("i1") == b"".join(pieces)


async def test_what_a_later_version_packed_in_its_way_is_left_for_its_workers(stores: Neo4jStores):
    """Read as plain text it would end as failed, and its rows would be dropped."""
    await submit(stores, b"")
    await stores.connection.write("store_ingestion_payload", ingestion_id="i1", pieces=[b"x"], encoding="later")

    with pytest.raises(Unavailable, match="newer worker"):
        await stores.ingestions.payload("i1")
