"""A server that answers with a part says so beside its answer: Thanos and Mimir do when a store is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.hubble_discovery import HubbleDiscovery
from sloengine.infrastructure.prometheus.istio_discovery import IstioDiscovery
from sloengine.infrastructure.prometheus.service_graph_discovery import ServiceGraphDiscovery

NOW = datetime(2026, 11, 26, tzinfo=UTC)
METRICS = ("traces_service_graph_request_total", "istio_requests_total", "hubble_http_requests_total")


def partly(request: httpx.Request) -> httpx.Response:
    names = "__name__" in httpx.QueryParams(request.content.decode()).get("query", "")
    series = [{"metric": {"__name__": metric}, "value": [0, "1"]} for metric in METRICS] if names else []
    body = {"status": "success", "data": {"resultType": "vector", "result": series}}
    return httpx.Response(200, json=body | {"warnings": ["StoreAPI of store-2 is away"]})


def nothing(request: httpx.Request) -> httpx.Response:
    body = {"status": "success", "data": {"resultType": "vector", "result": []}}
    return httpx.Response(200, json=body | {"warnings": ["StoreAPI of store-2 is away"]})


@pytest.mark.parametrize("answer", [partly, nothing])
@pytest.mark.parametrize("discovery", [ServiceGraphDiscovery, IstioDiscovery, HubbleDiscovery])
async def test_what_a_server_says_of_its_answers_is_a_warning_of_the_reading(discovery, answer):
    client = PrometheusClient("http://prometheus.test", transport=httpx.MockTransport(answer))

    found = await discovery(client).discover(NOW - timedelta(hours=1), NOW)
    await client.close()

    assert [text for text in found.warnings if "store-2 is away" in text] == [
        "Prometheus warns of its answers, so calls may be missing or weights wrong: StoreAPI of store-2 is away"
    ]
