"""Edges of a real Prometheus with backfilled blocks, one trap of service-graph metrics after the other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, LeftOut
from sloengine.domain.topology.name_reconciliation import reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES
from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient
from sloengine.infrastructure.prometheus.discovery import discover
from sloengine.infrastructure.prometheus.service_graph_discovery import ServiceGraphDiscovery

from .openmetrics import Counter, chunks

START = datetime(2026, 3, 2, tzinfo=UTC)
SINCE = START + timedelta(hours=2)
UNTIL = START + timedelta(hours=12)
STEPS = 120
QUICK = ClientLimits(timeout_seconds=60, attempts=2, backoff_seconds=0.01)
CALLS = "traces_service_graph_request_total"
FAILED = "traces_service_graph_request_failed_total"


def edge(client: str, server: str, per_step: float, kind: str = "", **more) -> Counter:
    labels = {"client": client, "server": server, "connection_type": kind, **more.pop("labels", {})}
    return Counter({name: value for name, value in labels.items() if value}, per_step, **more)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def connector() -> dict[str, list[Counter]]:
    """As the collector's connector writes it: ``failed`` on every series, idle series are dropped."""
    burst = edge("batch", "ledger", 0, born=at(5), died=at(5.25))
    burst.value = 3.0
    return {
        CALLS: [
            edge("web", "cart", 45, labels={"failed": "false"}),
            edge("web", "cart", 5, labels={"failed": "true"}),
            edge("user", "web", 100, "virtual_node", labels={"failed": "false"}),
            edge("user", "web", 1, labels={"failed": "false"}),
            edge("web", "unknown", 3, labels={"failed": "false"}),
            edge(
                "cart", "orders-db", 20, "database", labels={"failed": "false", "client_db_system": "postgresql"}
            ),
            edge("cart", "events", 10, "messaging_system", labels={"failed": "false"}),
            edge("cart", "api.stripe.com", 2, "virtual_node", labels={"failed": "false"}),
            edge("cart", "legacy", 2, "virtual_node", labels={"failed": "false"}),
            edge("web", "vanished", 4, born=at(3), died=at(5)),
            edge("web", "restarted", 4, restarts=(at(6),)),
            edge("web", "idle", 0),
            edge("web", "gone", 4, died=at(1)),
            burst,
        ],
        FAILED: [edge("web", "cart", 5, labels={"failed": "true"})],
        "traces_span_metrics_calls_total": [
            Counter({"service_name": "web", "span_kind": "SPAN_KIND_SERVER", "span_name": "GET /"}, 100),
            Counter({"service_name": "web", "span_kind": "SPAN_KIND_CLIENT", "span_name": "GET cart"}, 50),
            Counter({"service_name": "shop/cart", "span_kind": "SPAN_KIND_SERVER", "span_name": "GET /"}, 50),
        ],
    }


@pytest.fixture(scope="module")
def server(prometheus_server):
    metrics = connector()
    metrics[CALLS][11].value = 7.0  # idle: called long ago
    return prometheus_server(chunks(metrics, START, UNTIL + timedelta(minutes=5)))


@pytest.fixture
async def client(server) -> AsyncIterator[PrometheusClient]:
    client = PrometheusClient(server.url, limits=QUICK)
    yield client
    await client.close()


@pytest.fixture
async def found(client) -> Discovered:
    return await ServiceGraphDiscovery(client).discover(SINCE, UNTIL)


def by_pair(found: Discovered) -> dict[str, DiscoveredDependency]:
    return {f"{call.caller}>{call.dependency}": call for call in found.dependencies}


async def test_calls_of_both_values_of_failed_add_up_and_failed_ones_are_told(found):
    edge = by_pair(found)["web>cart"]

    assert edge.calls == pytest.approx(50 * STEPS, rel=0.01)
    assert edge.failed_calls == pytest.approx(5 * STEPS, rel=0.01)
    assert edge.attributes.mode is DependencyMode.SYNC


async def test_an_edge_that_vanished_before_the_end_of_the_range_is_seen(found):
    assert by_pair(found)["web>vanished"].calls == pytest.approx(4 * 24, rel=0.1)


async def test_a_burst_that_is_all_in_one_value_is_seen_although_its_counter_never_grew(found):
    assert by_pair(found)["batch>ledger"].calls == pytest.approx(3.0)


async def test_a_restart_loses_one_step_and_is_no_negative(found):
    assert by_pair(found)["web>restarted"].calls == pytest.approx(4 * STEPS, rel=0.02)


async def test_what_was_not_called_in_the_range_is_not_seen(found):
    assert not {"web>idle", "web>gone"} & by_pair(found).keys()


async def test_callers_that_are_not_traced_are_left_out_and_unknown_by_rule(found):
    reconciled = reconcile(ServiceGraphDiscovery.source, found, DEFAULT_NAME_RULES)

    assert LeftOut("user", "a caller that is not traced") in found.left_out
    assert not {"user", "unknown"} & {
        end for call in reconciled.dependencies for end in (call.caller, call.dependency)
    }


async def test_queues_are_async_and_databases_say_which(found):
    edges = by_pair(found)

    assert edges["cart>events"].attributes.mode is DependencyMode.ASYNC
    assert edges["cart>orders-db"].attributes.protocol == "postgresql"
    assert edges["cart>orders-db"].attributes.mode is DependencyMode.SYNC


async def test_what_is_not_traced_is_known_as_such_and_a_public_host_as_external(found):
    known = {service.source_name: service for service in found.services}

    assert known["orders-db"].metadata == {"kind": "database", "system": "postgresql"}
    assert known["orders-db"].external is None
    assert (known["api.stripe.com"].external, known["api.stripe.com"].metadata) == (True, {"traced": False})
    assert known["legacy"].external is None


async def test_weights_are_calls_over_own_server_spans_whatever_the_namespace(found):
    reconciled = reconcile(ServiceGraphDiscovery.source, found, DEFAULT_NAME_RULES)
    weights = {f"{one.caller}>{one.dependency}": one.attributes.call_weight for one in reconciled.dependencies}

    assert weights["web>cart"] == pytest.approx(0.5, rel=0.02)
    assert weights["cart>orders-db"] == pytest.approx(0.4, rel=0.02)
    assert weights["batch>ledger"] is None


async def test_a_reading_is_tens_of_queries_and_says_which(client):
    before = client.query_count
    found = await ServiceGraphDiscovery(client).discover(SINCE, UNTIL)

    assert client.query_count - before <= 30
    assert any(CALLS in query and "increase" in query for query in found.queries)
    assert not found.complete


async def test_when_collection_began_within_the_range_first_values_are_not_calls(client):
    found = await ServiceGraphDiscovery(client).discover(START - timedelta(hours=5), UNTIL)

    assert "web>idle" not in by_pair(found)
    assert by_pair(found)["web>cart"].calls == pytest.approx(50 * (STEPS + 24), rel=0.02)


async def test_a_server_without_these_metrics_says_what_to_switch_on(client):
    found = await ServiceGraphDiscovery(client).discover(START - timedelta(days=9), START - timedelta(days=8))

    assert found.dependencies == ()
    assert "servicegraph connector" in found.warnings[0]


async def test_an_exporters_namespace_and_sampled_traces(prometheus_server):
    prefixed = prometheus_server(
        chunks(
            {
                f"servicegraph_{CALLS}": [
                    edge("web", "cart", 5),
                    edge("user", "web", 10, "virtual_node"),
                ],
                f"servicegraph_{FAILED}": [edge("web", "cart", 1)],
                "http_server_request_duration_seconds_count": [
                    Counter({"job": "shop/web", "http_response_status_code": "200"}, 100),
                    Counter({"job": "shop/cart", "http_response_status_code": "200"}, 50),
                ],
            },
            START,
            START + timedelta(hours=6),
        )
    )
    client = PrometheusClient(prefixed.url, limits=QUICK)

    found = await ServiceGraphDiscovery(client).discover(SINCE, START + timedelta(hours=6))
    conventions = await discover(client, at=(START + timedelta(hours=6)).timestamp())
    await client.close()

    assert by_pair(found)["web>cart"].failed_calls == pytest.approx(48, rel=0.05)
    assert (conventions.edges.calls, conventions.edges.failed) == (
        f"servicegraph_{CALLS}",
        f"servicegraph_{FAILED}",
    )
    assert found.requests == {}
    assert "10% of the requests" in found.warnings[0]


async def test_http_metrics_are_the_denominator_where_the_service_graph_sees_as_much():
    found = await _scripted(
        {"http_server": {"web": 100.0, "cart": 50.0}, "calls": {"web>cart": 50.0, "user>web": 99.0}}
    )

    assert found.requests == {"shop/web": 100.0, "shop/cart": 50.0}
    assert found.warnings == ()


async def _scripted(said: dict[str, dict[str, float]]) -> Discovered:
    """A server that knows these sums, for cases that need no counters."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": "success", "data": {"version": "3.16.0"}})
        query = dict(httpx.QueryParams(request.content.decode()))["query"]
        return httpx.Response(200, json={"status": "success", "data": {"result": _series(query, said)}})

    client = PrometheusClient("http://prometheus.test", transport=httpx.MockTransport(answer))
    try:
        return await ServiceGraphDiscovery(client).discover(SINCE, UNTIL)
    finally:
        await client.close()


def _series(query: str, said: dict[str, dict[str, float]]) -> list[dict]:
    if query.startswith("count by (__name__)"):
        return [{"metric": {"__name__": CALLS}, "value": [0, "1"]}]
    if "offset" in query or FAILED in query:
        return []
    if CALLS in query:
        return [
            {"metric": dict(zip(("client", "server"), pair.split(">"), strict=True)), "value": [0, str(count)]}
            for pair, count in said["calls"].items()
        ]
    if "http_server_request_duration_seconds_count" in query:
        if query.startswith("count("):
            return [{"metric": {}, "value": [0, "2"]}] if "job" in query else []
        return [
            {"metric": {"job": f"shop/{name}"}, "value": [0, str(count)]}
            for name, count in said["http_server"].items()
        ]
    return []


async def test_what_is_too_much_for_one_query_is_asked_for_in_shards_that_miss_nobody():
    names = ["a", "7", "web", "svc-0421", "Über", "x/Y", "b_"]
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": "success", "data": {"version": "3.16.0"}})
        query = dict(httpx.QueryParams(request.content.decode()))["query"]
        asked.append(query)
        if query.startswith("count by (__name__)"):
            return httpx.Response(
                200,
                json={
                    "status": "success",
                    "data": {"result": [{"metric": {"__name__": CALLS}, "value": [0, "1"]}]},
                },
            )
        if CALLS not in query or "increase" not in query:
            return httpx.Response(200, json={"status": "success", "data": {"result": []}})
        matched = _matched(query, names)
        if len(matched) > 3:
            return httpx.Response(
                422,
                json={
                    "status": "error",
                    "errorType": "execution",
                    "error": "query processing would load too many samples",
                },
            )
        series = [{"metric": {"client": name, "server": "db"}, "value": [0, "5"]} for name in matched]
        return httpx.Response(200, json={"status": "success", "data": {"result": series}})

    client = PrometheusClient("http://prometheus.test", limits=QUICK, transport=httpx.MockTransport(answer))
    found = await ServiceGraphDiscovery(client).discover(SINCE, UNTIL)
    await client.close()

    assert sorted(call.caller for call in found.dependencies) == sorted(names)
    assert {call.calls for call in found.dependencies} == {5.0}


def _matched(query: str, names: list[str]) -> list[str]:
    pattern = re.search(r'client=~"([^"]*)"', query)
    return names if pattern is None else [name for name in names if re.fullmatch(pattern.group(1), name)]
