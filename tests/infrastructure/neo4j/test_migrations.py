from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sloengine.domain.errors import Conflict, Invalid, Unavailable
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.console import run_cypher
from sloengine.infrastructure.neo4j.migrations import (
    Migration,
    MigrationChanged,
    Migrator,
    migrations_in,
    statements,
)
from sloengine.infrastructure.neo4j.named_queries import cypher_directory

ONE = Migration(
    1,
    "one",
    "CREATE CONSTRAINT thing IF NOT EXISTS FOR (t:Thing) REQUIRE t.a IS UNIQUE;",
    "DROP CONSTRAINT thing;",
)
TWO = Migration(2, "two", "MERGE (t:Thing {a: 1});\nMERGE (t:Thing {a: 2});", "MATCH (t:Thing) DELETE t;")


@pytest.fixture
async def database(stores: Neo4jStores) -> Neo4jStores:
    """Without the engine's own migrations."""
    await stores.migrator.down(0)
    return stores


async def names(stores: Neo4jStores, what: str) -> set[str]:
    answer = await run_cypher(stores.connection, f"SHOW {what} YIELD name, type RETURN name, type")
    return {name for name, kind in answer.rows if kind != "LOOKUP"}


def migrator(stores: Neo4jStores, *migrations: Migration, wait_seconds: float = 30.0) -> Migrator:
    return Migrator(stores.connection, migrations, wait_seconds=wait_seconds)


async def test_up_applies_in_order_once_and_down_takes_back(database: Neo4jStores):
    here = migrator(database, ONE, TWO)

    applied = await here.up()
    again = await here.up()
    things = await run_cypher(database.connection, "MATCH (t:Thing) RETURN count(t)")
    states = await here.status()
    undone = await here.down(1)

    assert ([m.number for m in applied], list(again), things.rows) == ([1, 2], [], ((2,),))
    assert [(s.number, s.applied_at is not None, s.changed) for s in states] == [
        (1, True, False),
        (2, True, False),
    ]
    assert [m.number for m in undone] == [2]
    assert (await run_cypher(database.connection, "MATCH (t:Thing) RETURN count(t)")).rows == ((0,),)
    assert "thing" in await names(database, "CONSTRAINTS")
    await here.down(0)
    assert "thing" not in await names(database, "CONSTRAINTS")


async def test_the_engines_own_migrations_leave_nothing_behind_when_taken_back(database: Neo4jStores):
    before = await names(database, "CONSTRAINTS") | await names(database, "INDEXES")

    await database.migrator.up()
    between = await names(database, "CONSTRAINTS") | await names(database, "INDEXES")
    await database.migrator.down(0)

    assert len(between) > len(before) + 30
    assert await names(database, "CONSTRAINTS") | await names(database, "INDEXES") == before


async def test_a_migration_that_was_edited_afterwards_is_refused(database: Neo4jStores):
    await migrator(database, ONE).up()
    edited = migrator(database, Migration(1, "one", ONE.up + "\nMERGE (:Thing {a: 3});", ONE.down), TWO)

    with pytest.raises(MigrationChanged, match="0001_one was edited"):
        await edited.up()
    states = await edited.status()

    assert [(state.changed, state.applied_at is None) for state in states] == [(True, False), (False, True)]
    await migrator(database, ONE).down(0)


async def test_a_database_of_a_newer_version_is_refused(database: Neo4jStores):
    await migrator(database, ONE, TWO).up()

    with pytest.raises(MigrationChanged, match="newer"):
        await migrator(database, ONE).up()

    await migrator(database, ONE, TWO).down(0)


async def test_a_database_that_lacks_migrations_is_named_so(database: Neo4jStores):
    with pytest.raises(Unavailable, match="migrate up"):
        await migrator(database, ONE, TWO).require_current()


async def test_two_migrators_at_once_apply_each_step_once(database: Neo4jStores):
    done = await asyncio.gather(*(migrator(database, ONE, TWO).up() for _ in range(3)))

    assert sorted(m.number for applied in done for m in applied) == [1, 2]
    await migrator(database, ONE, TWO).down(0)


async def test_a_migrator_that_waits_too_long_says_so(database: Neo4jStores):
    await database.connection.write("take_migration_lock", holder="somebody", seconds=60)

    with pytest.raises(Conflict, match="another migration"):
        await migrator(database, ONE, wait_seconds=0.3).up()

    await database.connection.write("release_migration_lock", holder="somebody")


async def test_the_lock_of_a_migrator_that_died_ends(database: Neo4jStores):
    await database.connection.write("take_migration_lock", holder="dead", seconds=1)

    applied = await migrator(database, ONE, wait_seconds=10).up()

    assert [m.number for m in applied] == [1]
    await migrator(database, ONE).down(0)


async def test_a_step_that_breaks_is_not_recorded_and_runs_again(database: Neo4jStores):
    broken = Migration(2, "two", "MERGE (t:Thing {a: 1});\nTHIS IS NO CYPHER;", TWO.down)
    with pytest.raises(Exception, match="Invalid input"):
        await migrator(database, ONE, broken).up()

    applied = await migrator(database, ONE, TWO).up()

    assert [m.number for m in applied] == [2]
    await migrator(database, ONE, TWO).down(0)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line():
    script = "// a; comment;\nCREATE (:A {text: 'x;y'});\n\n  // more\nMATCH (n)\nRETURN n;"

    assert statements(script) == ("CREATE (:A {text: 'x;y'})", "MATCH (n)\nRETURN n")


def test_the_files_are_numbered_and_have_a_way_back():
    found = migrations_in(cypher_directory() / "migrations")

    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert all(statements(migration.up) and statements(migration.down) for migration in found)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (["0001_a.up.cypher"], "up and a down"),
        (["0001_a.up.cypher", "0001_b.down.cypher"], "same name"),
        (["0002_a.up.cypher", "0002_a.down.cypher"], "without gaps"),
        (["first.cypher"], "not named like"),
    ],
)
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, files: list[str], complaint: str):
    for name in files:
        (tmp_path / name).write_text("RETURN 1;")

    with pytest.raises(Invalid, match=complaint):
        migrations_in(tmp_path)


def test_two_migrations_of_one_number_are_refused(tmp_path: Path):
    for name in ("0001_one.up", "0001_one.down", "0001_two.up", "0001_two.down"):
        (tmp_path / f"{name}.cypher").write_text("RETURN 1;", encoding="utf-8")

    with pytest.raises(Invalid, match="two migrations have the number 0001"):
        migrations_in(tmp_path)
