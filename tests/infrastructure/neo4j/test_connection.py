from __future__ import annotations

import re
from pathlib import Path

import pytest
from neo4j import READ_ACCESS
from neo4j.exceptions import ClientError

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, nodes, open_neo4j
from sloengine.infrastructure.neo4j.connection import open_connection
from sloengine.infrastructure.neo4j.console import run_cypher
from sloengine.infrastructure.neo4j.named_queries import cypher_directory, query
from sloengine.infrastructure.neo4j.service_rows import SERVICE_COLUMNS
from tests.infrastructure.neo4j.wire import between, open_through

ADAPTERS = Path(nodes.__file__).parent
QUERIES = sorted(
    f"{folder}/{file.stem}"
    for folder in ("read", "write")
    for file in (cypher_directory() / folder).glob("*.cypher")
)


async def test_a_server_that_is_not_there_is_unavailable_and_named(dead_port: int):
    url = f"bolt://127.0.0.1:{dead_port}"
    async with open_connection(url, "neo4j", "x", retry_seconds=0.1) as connection:
        with pytest.raises(Unavailable, match=url):
            await connection.check()


async def test_a_wrong_password_is_said_to_be_one(neo4j_server: Neo4jAddress):
    async with open_connection(neo4j_server.url, neo4j_server.user, "wrong", retry_seconds=0.1) as connection:
        with pytest.raises(Unavailable, match="SLOENGINE_NEO4J_PASSWORD"):
            await connection.check()


async def test_routing_urls_work_too(neo4j_server: Neo4jAddress):
    url = neo4j_server.url.replace("bolt://", "neo4j://")
    async with open_neo4j(url, neo4j_server.user, neo4j_server.password) as stores:
        await stores.migrator.up()

        assert await stores.graph.version() >= 0


@pytest.mark.parametrize("read", ["read", "read_from_leader"])
async def test_a_read_is_one_message_to_the_server(neo4j_server: Neo4jAddress, read: str):
    async with between(neo4j_server) as wire, open_through(wire, neo4j_server) as connection:
        ask = getattr(connection, read)
        await ask("ping")  # opens the connection
        wire.sent = 0

        await ask("ping")

        assert wire.sent == 1


@pytest.mark.parametrize("read", ["read", "read_from_leader"])
async def test_a_read_is_done_again_when_its_connection_was_lost(neo4j_server: Neo4jAddress, read: str):
    async with between(neo4j_server) as wire, open_through(wire, neo4j_server) as connection:
        ask = getattr(connection, read)
        expected = await ask("ping")
        wire.cut()

        assert await ask("ping") == expected


async def test_the_server_refuses_to_write_in_a_read_session(stores: Neo4jStores):
    async with stores.connection.session(READ_ACCESS) as session:
        with pytest.raises(ClientError, match=r"[Ww]riting in read access mode"):
            await (await session.run("CREATE (:Oops)")).consume()


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_says_what_it_is_for_and_names_its_parameters(name: str):
    text = query(name)
    comment = "\n".join(line for line in text.splitlines() if line.startswith("//"))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))

    assert comment
    described = comment + (query(re.sub("count_of", "page_of", name)) if "count_of" in name else "")
    assert sorted(p for p in set(re.findall(r"\$(\w+)", code)) if f"${p}" not in described) == []


def test_every_query_is_used():
    source = "\n".join(file.read_text() for file in ADAPTERS.glob("*.py"))
    verbs = ("", "all_", "merge_", "replace_", "drop_", "fold_")
    built = {f"{verb}{kind}_days" for verb in verbs for kind in ("sli", "edge")}

    assert [q for q in QUERIES if q.split("/")[1] not in source and q.split("/")[1] not in built] == []


async def test_every_query_is_understood_and_reads_only_read(stores: Neo4jStores):
    for name in QUERIES:
        parameters = dict.fromkeys(re.findall(r"\$(\w+)", query(name)))
        async with stores.connection.session(READ_ACCESS) as session:
            summary = await (await session.run(f"EXPLAIN {query(name)}", parameters)).consume()

        if name.startswith("read/"):
            assert summary.query_type == "r", name


@pytest.mark.parametrize("name", ["read/services", "read/all_services"])
async def test_services_come_in_the_columns_that_are_read(stores: Neo4jStores, name: str):
    answer = await run_cypher(stores.connection, f"EXPLAIN {query(name)}", parameters={"service_ids": []})

    assert answer.columns == SERVICE_COLUMNS


async def test_what_neomodel_calls_unique_is_constrained(stores: Neo4jStores):
    answer = await run_cypher(
        stores.connection, "SHOW CONSTRAINTS YIELD labelsOrTypes, properties RETURN labelsOrTypes, properties"
    )
    constrained = {(labels[0], tuple(properties)) for labels, properties in answer.rows}

    declared = {
        (node.__label__, (name,))
        for node in vars(nodes).values()
        if isinstance(node, type) and node.__module__ == nodes.__name__
        for name, definition in node.__all_properties__
        if definition.unique_index
    }
    assert len(declared) >= 6
    assert declared <= constrained


async def test_two_connections_in_one_process_do_not_mix(clean_neo4j: Neo4jAddress, dead_port: int):
    away = f"bolt://127.0.0.1:{dead_port}"
    async with (
        open_neo4j(clean_neo4j.url, clean_neo4j.user, clean_neo4j.password) as here,
        open_neo4j(away, "neo4j", "x") as there,
    ):
        await here.migrator.up()
        # Opened later, on a server that is away; neomodel has one driver a process.
        with pytest.raises(Unavailable):
            await there.priors.load("AVAILABILITY")

        assert await here.priors.load("AVAILABILITY") is None
        assert await here.recommendation_jobs.job("j") is None
