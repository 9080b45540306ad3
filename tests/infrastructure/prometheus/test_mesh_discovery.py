"""Edges of Istio's and Hubble's metrics in a real Prometheus, one trap after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency
from sloengine.domain.topology.name_reconciliation import Reconciled, reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES
from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient
from sloengine.infrastructure.prometheus.hubble_discovery import HubbleDiscovery
from sloengine.infrastructure.prometheus.istio_discovery import IstioDiscovery

from .openmetrics import Counter, chunks

START = datetime(2026, 3, 2, tzinfo=UTC)
SINCE, UNTIL = START + timedelta(hours=1), START + timedelta(hours=6)
STEPS = 60
QUICK = ClientLimits(timeout_seconds=60, attempts=2, backoff_seconds=0.01)
MESH = DiscoverySource.MESH


def istio(caller: str, dependency: str, per_step: float, reporter: str = "source", **more: str) -> Counter:
    """``shop/web`` → namespace and canonical service, as a proxy writes it."""
    source_namespace, _, source = caller.rpartition("/")
    namespace, _, name = dependency.rpartition("/")
    labels = {
        "reporter": reporter,
        "source_canonical_service": source,
        "source_workload_namespace": source_namespace,
        "destination_canonical_service": name,
        "destination_workload_namespace": namespace,
        "destination_service": f"{name}.{namespace}.svc.cluster.local",
        "destination_service_name": name,
        "request_protocol": "http",
        "response_code": "200",
    }
    return Counter({key: value for key, value in {**labels, **more}.items() if value}, per_step)


def mesh() -> dict[str, list[Counter]]:
    unknown = {"destination_canonical_service": "unknown", "destination_workload_namespace": "unknown"}
    grpc = {"request_protocol": "grpc", "grpc_response_status": "14"}
    return {
        "istio_requests_total": [
            istio("edge/gateway", "shop/web", 100),
            istio("edge/gateway", "shop/web", 100, "destination"),
            istio("shop/web", "shop/cart", 40),
            istio("shop/web", "shop/cart", 37, "destination"),
            istio("shop/web", "shop/cart", 7, response_code="503"),
            istio("shop/web", "shop/cart", 3, response_code="0"),
            istio("shop/web", "shop/rates", 18, grpc_response_status="0", request_protocol="grpc"),
            istio("shop/web", "shop/rates", 2, **grpc),
            istio("unknown/unknown", "shop/web", 9, "destination"),
            istio("shop/cart", "x/y", 5, **unknown, destination_service="api.stripe.com"),
            istio("shop/cart", "x/y", 5, **unknown, destination_service="old.legacy.svc.cluster.local"),
            istio(
                "shop/cart",
                "x/y",
                5,
                **unknown,
                destination_service="PassthroughCluster",
                destination_service_name="PassthroughCluster",
            ),
            istio("ambient/a", "ambient/b", 20, "waypoint"),
            istio("shop/web", "ambient/b", 10, "waypoint"),
            istio("shop/web", "ambient/b", 11),
        ],
        "istio_tcp_connections_opened_total": [
            istio("shop/cart", "data/orders-db", 1, request_protocol="tcp"),
            istio("shop/web", "shop/cart", 1, request_protocol="tcp"),
        ],
    }


@pytest.fixture(scope="module")
def server(prometheus_server):
    return prometheus_server(chunks(mesh(), START, UNTIL + timedelta(minutes=5)))


@pytest.fixture
async def found(server) -> Discovered:
    client = PrometheusClient(server.url, limits=QUICK)
    found = await IstioDiscovery(client).discover(SINCE, UNTIL)
    assert client.query_count <= 15
    await client.close()
    return found


@pytest.fixture
def reconciled(found) -> Reconciled:
    return reconcile(MESH, found, DEFAULT_NAME_RULES)


def by_pair(found: Discovered | Reconciled) -> dict[str, DiscoveredDependency]:
    return {f"{call.caller}>{call.dependency}": call for call in found.dependencies}


async def test_a_call_that_both_proxies_report_counts_once(found):
    assert by_pair(found)["edge/gateway>shop/web"].calls == pytest.approx(100 * STEPS, rel=0.02)


async def test_calls_that_never_arrived_count_and_no_response_is_a_failure(found):
    edge = by_pair(found)["shop/web>shop/cart"]

    assert edge.calls == pytest.approx(50 * STEPS, rel=0.02)
    assert edge.failed_calls == pytest.approx(10 * STEPS, rel=0.02)


async def test_grpc_fails_by_its_own_status_under_http_200(found):
    edge = by_pair(found)["shop/web>shop/rates"]

    assert edge.failed_calls == pytest.approx(2 * STEPS, rel=0.05)
    assert edge.attributes.protocol == "grpc"
    assert edge.attributes.mode is DependencyMode.SYNC


async def test_a_host_without_a_proxy_is_named_by_its_address_and_a_public_one_is_external(found, reconciled):
    assert {"cart>api.stripe.com", "cart>old"} <= by_pair(reconciled).keys()
    assert [(one.source_name, one.external) for one in found.services] == [("api.stripe.com", True)]


async def test_unknown_ends_and_istios_own_clusters_are_no_services(reconciled):
    ends = {end for call in reconciled.dependencies for end in (call.caller, call.dependency)}

    assert not {"unknown", "PassthroughCluster", "unknown/unknown"} & ends
    assert "PassthroughCluster" in {one.source_name for one in reconciled.left_out}


async def test_where_callers_have_no_proxy_the_waypoint_counts_and_never_twice(found):
    edges = by_pair(found)

    assert edges["ambient/a>ambient/b"].calls == pytest.approx(20 * STEPS, rel=0.02)
    assert edges["shop/web>ambient/b"].calls == pytest.approx(11 * STEPS, rel=0.02)


async def test_plain_connections_are_edges_whose_calls_nobody_counts(found):
    edges = by_pair(found)

    assert edges["shop/cart>data/orders-db"].attributes.protocol == "tcp"
    assert edges["shop/cart>data/orders-db"].calls is None
    assert edges["shop/web>shop/cart"].attributes.protocol == "http"


async def test_weights_are_calls_over_requests_that_arrived_at_the_caller(reconciled):
    edge = by_pair(reconciled)["web>cart"]

    assert edge.attributes.call_weight == pytest.approx(50 / 109, rel=0.02)


def hubble(per_step: float, reporter: str = "client", status: str = "200", **labels: str) -> Counter:
    return Counter(
        {"reporter": reporter, "status": status, "method": "GET", "protocol": "HTTP/1.1", **labels}, per_step
    )


def workloads(caller: str, dependency: str) -> dict[str, str]:
    (source_namespace, source), (namespace, name) = caller.split("/"), dependency.split("/")
    return {
        "source_namespace": source_namespace,
        "source_workload": source,
        "destination_namespace": namespace,
        "destination_workload": name,
    }


async def read_hubble(prometheus_server, metrics: dict[str, list[Counter]]) -> Discovered:
    server = prometheus_server(chunks(metrics, START, START + timedelta(hours=3)))
    client = PrometheusClient(server.url, limits=QUICK)
    try:
        return await HubbleDiscovery(client).discover(SINCE, START + timedelta(hours=3))
    finally:
        await client.close()


async def test_hubble_with_workloads_counts_each_call_once_and_leaves_the_world_out(prometheus_server):
    pair = workloads("shop/web", "shop/cart")
    found = await read_hubble(
        prometheus_server,
        {
            "hubble_http_requests_total": [
                hubble(10, **pair),
                hubble(2, status="503", **pair),
                hubble(12, "server", **pair),
                hubble(4, "server", **workloads("shop/cart", "shop/rates")),
                hubble(5, "server", source="reserved:world", destination="10.0.0.7"),
                hubble(6, source="shop/mailer", destination="shop/smtp"),
            ]
        },
    )
    edges = by_pair(found)

    assert edges["shop/web>shop/cart"].calls == pytest.approx(12 * 24, rel=0.05)
    assert edges["shop/web>shop/cart"].failed_calls == pytest.approx(2 * 24, rel=0.1)
    assert edges["shop/cart>shop/rates"].calls == pytest.approx(4 * 24, rel=0.05)
    assert "shop/mailer>shop/smtp" in edges
    assert {one.source_name for one in found.left_out} == {"reserved:world", "10.0.0.7"}


async def test_hubble_without_workload_labels_says_which_option_is_missing(prometheus_server):
    found = await read_hubble(prometheus_server, {"hubble_http_requests_total": [hubble(10)]})

    assert found.dependencies == ()
    assert "labelsContext=source_namespace,source_workload" in found.warnings[0]


async def test_hubbles_old_metric_and_its_flows_are_not_read_and_that_is_said(prometheus_server):
    old = await read_hubble(
        prometheus_server, {"hubble_http_responses_total": [hubble(1, **workloads("a/b", "c/d"))]}
    )
    flows = await read_hubble(
        prometheus_server, {"hubble_flows_processed_total": [Counter({"verdict": "FORWARDED"}, 5)]}
    )

    assert (old.dependencies, flows.dependencies) == ((), ())
    assert "enable httpV2" in old.warnings[0]
    assert "do not say who calls" in flows.warnings[0]


async def test_no_mesh_is_no_finding(server, prometheus_server):
    client = PrometheusClient(server.url, limits=QUICK)
    nothing = await HubbleDiscovery(client).discover(SINCE, UNTIL)
    long_ago = await IstioDiscovery(client).discover(SINCE - timedelta(days=3), SINCE - timedelta(days=2))
    await client.close()

    assert nothing == Discovered(queries=nothing.queries)
    assert "istio_requests_total" in long_ago.warnings[0]
