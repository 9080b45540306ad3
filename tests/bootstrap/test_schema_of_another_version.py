"""A process whose database is older than its code writes nothing and says what to run; a newer one is fine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from sloengine.application.ports.sli_history import Watermark
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.console import run_cypher

pytestmark = pytest.mark.neo4j


@pytest.fixture
def settings(clean_neo4j: Any, clean_redis: Any, tmp_path: Any) -> Settings:
    return Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=SecretStr(clean_neo4j.password),
        redis_url=SecretStr(clean_redis.url),
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Neo4jStores]:
    async with open_database(settings) as stores:
        await stores.migrator.up()
        yield stores


async def cypher(database: Neo4jStores, text: str) -> Any:
    return (await run_cypher(database.connection, text, write=True)).rows


async def write(use_cases: UseCases) -> None:
    """By a named query."""
    await use_cases.aggregate_telemetry.history.note_past(["a"], now=datetime.now(UTC))


async def write_a_node(use_cases: UseCases) -> None:
    """By neomodel."""
    await use_cases.aggregate_telemetry.history.set_watermark(Watermark(None, None))


async def test_an_older_schema_is_not_ready_and_not_written_until_it_is_brought_up(settings, database):
    await cypher(database, "MATCH (m:SchemaMigration {number: 12}) DELETE m")
    async with open_use_cases(settings) as use_cases:
        problem = (await use_cases.readiness())["neo4j"]
        for way in (write, write_a_node):
            with pytest.raises(Unavailable, match=r"lacks 0012_event_numbers.*`sloengine migrate up`"):
                await way(use_cases)

        assert problem is not None
        assert "lacks 0012_event_numbers" in problem
        assert await cypher(database, "MATCH (n:AggregationState) RETURN count(n)") == ((0,),)

        await database.migrator.up()
        await write_a_node(use_cases)

        assert (await use_cases.readiness())["neo4j"] is None


async def test_an_empty_database_names_a_few_of_what_it_lacks(settings, database):
    await cypher(database, "MATCH (m:SchemaMigration) DELETE m")

    async with open_use_cases(settings) as use_cases:
        problem = (await use_cases.readiness())["neo4j"]

    assert problem is not None
    assert "or empty: it lacks 0001_" in problem
    assert problem.count("_") < 12
    assert " more. Run " in problem


async def test_a_newer_schema_is_ready_and_written(settings, database):
    await cypher(
        database,
        "CREATE (:SchemaMigration {number: 9001, name: 'of_tomorrow', checksum: 'x', applied_at: datetime()})",
    )

    async with open_use_cases(settings) as use_cases:
        await write_a_node(use_cases)

        assert (await use_cases.readiness())["neo4j"] is None
    newer = [state.name for state in await database.migrator.status() if state.is_newer]
    assert newer == ["of_tomorrow"]
    assert not any(state.changed for state in await database.migrator.status())
