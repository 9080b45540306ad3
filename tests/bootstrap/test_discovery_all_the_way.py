"""From counters in a real Prometheus to the graph in a real Neo4j, by the use cases as they are wired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand
from sloengine.application.telemetry.read_sli import SliWindow
from sloengine.application.topology.discover_dependencies import SCHEDULE, DiscoverDependenciesCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress
from tests.infrastructure.prometheus.openmetrics import Counter, chunks

OTEL = DiscoverySource.OTEL
# Not the hour that is running: whether it ends while these tests wait for their turn is no matter.
END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
MIDDLE, START = END - timedelta(hours=4), END - timedelta(hours=9)


def metrics() -> dict[str, list[Counter]]:
    def edge(client: str, server: str, per_step: float, kind: str = "", **more: Any) -> Counter:
        labels = {"client": client, "server": server, "failed": "false"}
        return Counter({**labels, **({"connection_type": kind} if kind else {})}, per_step, **more)

    return {
        "traces_service_graph_request_total": [
            edge("user", "web", 100, "virtual_node"),
            edge("web", "cart", 50),
            edge("cart", "orders", 5, "messaging_system"),
            edge("cart", "retired", 5, died=MIDDLE),
        ],
        "traces_span_metrics_calls_total": [
            Counter({"service_name": name, "span_kind": "SPAN_KIND_SERVER"}, count)
            for name, count in (("web", 100), ("cart", 50))
        ],
        "http_server_request_duration_seconds_count": [
            Counter({"job": f"shop/{name}", "http_response_status_code": "200"}, count)
            for name, count in (("web", 100), ("cart", 50))
        ],
    }


@pytest.fixture
async def use_cases(
    clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, prometheus_server: Any, tmp_path: Any
) -> AsyncIterator[UseCases]:
    prometheus = prometheus_server(chunks(metrics(), START, END))
    settings = Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=SecretStr(clean_neo4j.password),
        redis_url=SecretStr(clean_redis.url),
        prometheus_url=prometheus.url,
    )
    async with open_database(settings) as stores:
        await stores.migrator.up()
    async with open_use_cases(settings) as opened:
        yield opened


async def discover(use_cases: UseCases, since: datetime, until: datetime, **more: Any):
    command = DiscoverDependenciesCommand(OTEL, since=since, until=until, **more)
    return await use_cases.discover_dependencies(command, actor=SCHEDULE)


async def graph_of(use_cases: UseCases) -> tuple[int, dict[str, Any]]:
    graph = await use_cases.read_graph.graph.snapshot()
    return await use_cases.read_graph.version(), {
        f"{edge.caller}>{edge.dependency}": edge for edge in graph.dependencies
    }


async def test_discovering_twice_is_the_same_graph_and_what_vanishes_stays_until_it_is_stale(use_cases: UseCases):
    since, middle = START + timedelta(hours=1), MIDDLE
    planned = await discover(use_cases, since, middle, dry_run=True)
    empty = await graph_of(use_cases)

    first = await discover(use_cases, since, middle)
    retried = await discover(use_cases, since, middle)
    merged = await use_cases.merge_ingestion(first.ingestion.ingestion_id)
    version, edges = await graph_of(use_cases)
    again = await discover(use_cases, since, middle)
    later = await discover(use_cases, middle + timedelta(minutes=30), END)
    await use_cases.merge_ingestion(later.ingestion.ingestion_id)
    last_version, last_edges = await graph_of(use_cases)
    claims = await use_cases.read_graph.graph.claims_between([("web", "cart"), ("cart", "retired")])

    assert empty == (0, {})
    assert merged.status is JobStatus.SUCCEEDED
    assert {one.caller + ">" + one.dependency for one in planned.difference.dependencies} == edges.keys()
    assert edges.keys() == {"web>cart", "cart>orders", "cart>retired"}
    assert edges["cart>orders"].mode is DependencyMode.ASYNC
    assert edges["web>cart"].call_weight == pytest.approx(0.5, rel=0.05)
    assert first.ingestion.ingestion_id == retried.ingestion.ingestion_id == again.ingestion.ingestion_id
    assert [(one.kind, one.dependency) for one in later.difference.dependencies] == [("UNSEEN", "retired")]
    assert (last_version, last_edges.keys()) == (version, edges.keys())
    assert {pair: claim.last_seen_at for pair, [claim] in claims.items()} == {
        ("web", "cart"): END,
        ("cart", "retired"): middle,
    }
    assert (await use_cases.read_discovery_states())[0].last_run.dependencies == 2


async def test_what_was_discovered_is_measured_under_the_same_name(use_cases: UseCases):
    found = await discover(use_cases, START + timedelta(hours=1), END)
    await use_cases.merge_ingestion(found.ingestion.ingestion_id)

    report = await use_cases.aggregate_telemetry(AggregateTelemetryCommand(back_to=START))

    assert report.services == 2
    assert report.unknown == ()
    sli = (await use_cases.read_sli.sli(["web"], SliType.AVAILABILITY, SliWindow.LAST_1D))["web"]
    assert sli.total == pytest.approx(100 * 12 * 8, rel=0.2)
