from __future__ import annotations

import json
from typing import Any

import pytest

from sloengine.domain.errors import Invalid
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.console import run_cypher


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("null", None),
        ("true", True),
        ("'text'", "text"),
        ("0.0 / 0.0", "NaN"),
        ("[1, [2.0, null], {a: date('2026-03-01')}]", [1, [2.0, None], {"a": "2026-03-01"}]),
        ("datetime('2026-03-01T12:00:00.5Z')", "2026-03-01T12:00:00.500000000+00:00"),
        ("duration('P1DT2H')", "P1DT2H"),
        ("localtime('12:30:00')", "12:30:00.000000000"),
        ("point({x: 1, y: 2})", {"srid": 7203, "coordinates": [1.0, 2.0]}),
    ],
)
async def test_values_become_plain(stores: Neo4jStores, expression: str, expected: Any):
    answer = await run_cypher(stores.connection, f"RETURN {expression} AS value")

    assert (answer.columns, answer.rows, answer.truncated) == (("value",), ((expected,),), False)
    json.dumps(answer.rows, allow_nan=False)


async def test_nodes_relationships_and_paths_become_plain(stores: Neo4jStores):
    await run_cypher(
        stores.connection,
        "CREATE (:Service {service_id: 'a'})-[:DEPENDS_ON {mode: 'SYNC'}]->(:Service {service_id: 'b'})",
        write=True,
    )

    answer = await run_cypher(stores.connection, "MATCH path = (a)-[edge:DEPENDS_ON]->() RETURN a, edge, path")

    [[node, edge, path]] = answer.rows
    assert node == {"labels": ["Service"], "properties": {"service_id": "a"}}
    assert edge == {"type": "DEPENDS_ON", "start": "a", "end": "b", "properties": {"mode": "SYNC"}}
    assert [one["properties"]["service_id"] for one in path["nodes"]] == ["a", "b"]
    assert path["relationships"] == [edge]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (:Oops)",
        "MATCH (n) SET n.x = 1",
        "CREATE INDEX oops FOR (n:Oops) ON (n.x)",
        "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS",
        "CALL (*) { CREATE (:Oops) }",
    ],
)
async def test_the_server_refuses_to_write_without_being_told(stores: Neo4jStores, text: str):
    with pytest.raises(Invalid):
        await run_cypher(stores.connection, text)

    count = await run_cypher(stores.connection, "MATCH (n:Oops) RETURN count(n)")
    assert count.rows == ((0,),)


async def test_writes_are_kept_when_told(stores: Neo4jStores):
    await run_cypher(
        stores.connection, "UNWIND range(1, 3) AS x CREATE (:Wanted {x: x}) RETURN x", write=True, limit=1
    )
    await run_cypher(
        stores.connection, "MATCH (n:Wanted) CALL (n) { SET n.y = 1 } IN TRANSACTIONS OF 2 ROWS;", write=True
    )

    count = await run_cypher(stores.connection, "MATCH (n:Wanted {y: 1}) RETURN count(n)")
    assert count.rows == ((3,),)


async def test_rows_beyond_the_limit_are_cut(stores: Neo4jStores):
    cut = await run_cypher(stores.connection, "UNWIND range(1, 10) AS x RETURN x", limit=3)
    whole = await run_cypher(stores.connection, "UNWIND range(1, 3) AS x RETURN x", limit=3)

    assert (cut.rows, cut.truncated) == (((1,), (2,), (3,)), True)
    assert (len(whole.rows), whole.truncated) == (3, False)


async def test_a_query_that_takes_too_long_is_stopped(stores: Neo4jStores):
    with pytest.raises(Invalid, match="ask for less"):
        await run_cypher(
            stores.connection, "UNWIND range(1, 1000000000) AS x RETURN sum(x % 7)", timeout_seconds=0.5
        )


@pytest.mark.parametrize("text", ["", " ; ", "RETRUN 1", "RETURN $missing", "RETURN 1/0"])
async def test_a_mistake_is_explained(stores: Neo4jStores, text: str):
    with pytest.raises(Invalid) as caught:
        await run_cypher(stores.connection, text)

    assert caught.value.message


async def test_parameters_can_be_given(stores: Neo4jStores):
    answer = await run_cypher(stores.connection, "RETURN $x + 1 AS y", parameters={"x": 1})

    assert answer.rows == ((2,),)
