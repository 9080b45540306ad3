from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, open_neo4j


@pytest.fixture
async def stores(clean_neo4j: Neo4jAddress) -> AsyncIterator[Neo4jStores]:
    async with open_neo4j(clean_neo4j.url, clean_neo4j.user, clean_neo4j.password) as opened:
        await opened.migrator.up()
        yield opened
