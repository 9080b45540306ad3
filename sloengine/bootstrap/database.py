"""Ways to the database itself, for operators: migrations, and Cypher by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.neo4j import Neo4jStores, open_neo4j


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Neo4jStores]:
    """Connect to the Neo4j that the settings name, and to nothing else. Raises ``Unavailable``."""
    if settings.neo4j_url is not None and settings.neo4j_password is None:
        raise Unavailable(
            f"Neo4j at {settings.neo4j_url} is to be asked without a password: set SLOENGINE_NEO4J_PASSWORD (and "
            "SLOENGINE_NEO4J_USER, unless it is neo4j)"
        )
    if settings.neo4j_url is None or settings.neo4j_password is None:
        raise Unavailable(
            f"no Neo4j to ask: nothing runs on state directory {settings.state_dir}. Start `sloengine up` (or "
            "`make up`), name its --state-dir, or set SLOENGINE_NEO4J_URL and SLOENGINE_NEO4J_PASSWORD"
        )
    async with open_neo4j(
        settings.neo4j_url,
        settings.neo4j_user,
        settings.neo4j_password.get_secret_value(),
        database=settings.neo4j_database,
    ) as stores:
        yield stores
