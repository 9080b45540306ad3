"""The embedded servers that all other tests stand on."""

from __future__ import annotations

import neo4j
import pytest
import redis
from neo4j.exceptions import AuthError

from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress


def test_neo4j_answers_cypher_to_its_random_password(clean_neo4j: Neo4jAddress) -> None:
    with neo4j.GraphDatabase.driver(clean_neo4j.url, auth=(clean_neo4j.user, clean_neo4j.password)) as driver:
        records, _, _ = driver.execute_query("CREATE (n:Probe) RETURN count(n) AS made")

    assert records[0]["made"] == 1
    assert len(clean_neo4j.password) >= 24


@pytest.mark.parametrize("auth", [None, ("neo4j", "neo4j"), ("neo4j", "wrong-password")])
def test_neo4j_lets_nobody_else_in(neo4j_server: Neo4jAddress, auth: tuple[str, str] | None) -> None:
    with neo4j.GraphDatabase.driver(neo4j_server.url, auth=auth) as driver, pytest.raises(AuthError):
        driver.verify_connectivity()


def test_a_clean_neo4j_holds_no_node(neo4j_server: Neo4jAddress, clean_neo4j: Neo4jAddress) -> None:
    with neo4j.GraphDatabase.driver(clean_neo4j.url, auth=(clean_neo4j.user, clean_neo4j.password)) as driver:
        assert driver.execute_query("MATCH (n) RETURN count(n) AS n").records[0]["n"] == 0


def test_redis_answers_to_its_password_only(clean_redis: RedisAddress) -> None:
    with redis.Redis.from_url(clean_redis.url) as client:
        client.set("a", 1)
        assert client.get("a") == b"1"
    port = int(clean_redis.url.split(":")[-1].split("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_prometheus_answers_from_backfilled_blocks(prometheus_server) -> None:
    import httpx

    text = '# TYPE up gauge\nup{service="a"} 1 1700000000\nup{service="a"} 0 1700000060\n'
    running = prometheus_server([text])
    answer = httpx.get(f"{running.url}/api/v1/query", params={"query": "up", "time": "1700000030"}).json()

    assert answer["data"]["result"][0]["value"][1] == "1"
