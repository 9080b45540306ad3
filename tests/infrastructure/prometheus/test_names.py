"""Names with dots: the PromQL text, which servers take it, and what a Prometheus 2.42 answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus import promql, throttling
from sloengine.infrastructure.prometheus.any_names import name_support
from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient, QueryRefused
from sloengine.infrastructure.prometheus.presets import (
    OTEL_HTTP,
    OTEL_HTTP_DOTTED,
    OTEL_HTTP_UNTRANSLATED,
    REQUEST_PRESETS,
)
from sloengine.infrastructure.prometheus.promql_names import is_plain, name, names, quoted, selector
from sloengine.infrastructure.prometheus.service_graph_discovery import ServiceGraphDiscovery
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUICK = ClientLimits(attempts=1, timeout_seconds=60)


def test_plain_names_are_written_as_ever_and_others_in_quotes():
    matcher = promql.service_matcher("service.name", ["a.b"])

    assert promql.requests(OTEL_HTTP, "job", 'job="a"') == (
        'sum by (job) (increase(http_server_request_duration_seconds_count{job="a"}[1h]))'
    )
    assert promql.requests(OTEL_HTTP_DOTTED, "service.name", matcher) == (
        'sum by ("service.name") (increase({"http.server.request.duration_seconds_count",'
        r'"service.name"=~"(a\\.b)"}[1h]))'
    )
    assert promql.failures(OTEL_HTTP_DOTTED, "job", 'job="a"') == (
        'sum by (job) (increase({"http.server.request.duration_seconds_count",job="a",'
        '"http.response.status_code"=~"5.."}[1h]) or increase({"http.server.request.duration_seconds_count",'
        'job="a","http.response.status_code"="","error.type"!=""}[1h]))'
    )
    assert promql.buckets(OTEL_HTTP_UNTRANSLATED, "service.name", matcher) == (
        'sum by ("service.name", le) (increase({"http.server.request.duration_bucket",'
        r'"service.name"=~"(a\\.b)"}[1h]))'
    )
    assert promql.requests(OTEL_HTTP_DOTTED, "job", 'job="a"', native=True) == (
        'histogram_count(sum by (job) (increase({"http.server.request.duration_seconds",job="a"}[1h])))'
    )
    assert throttling.query("k8s.container.name", ["a"]).startswith(
        'sum by ("k8s.container.name") (increase(container_cpu_cfs_throttled_periods_total'
        '{"k8s.container.name"=~"(a)"}[1d]))'
    )
    assert promql.value_matcher("service.name", ["a"]) == '"service.name"=~"(a)"'


def unquoted(text: str) -> str:
    """A Go string literal read back, by its own rules: the escapes that PromQL shares with it."""
    assert text[0] == text[-1] == '"'
    read, at, inside = "", 0, text[1:-1]
    while at < len(inside):
        if inside[at] == "\\":
            read += {"n": "\n", "\\": "\\", '"': '"'}[inside[at + 1]]
            at += 2
        else:
            assert inside[at] not in '"\n'
            read += inside[at]
            at += 1
    return read


@given(st.text(min_size=1))
def test_any_name_comes_back_from_its_quotes(text: str):
    assert unquoted(quoted(text)) == text
    assert name(text) == text or unquoted(name(text)) == text
    if not is_plain(text):
        assert selector(text, ()) == f"{{{quoted(text)}}}"


def test_a_colon_is_for_metrics_only():
    assert selector("job:requests:rate5m", ()) == "job:requests:rate5m{}"
    assert names(["a:b", "c"]) == '"a:b", c'


def client_of(answer: Any) -> tuple[PrometheusClient, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    async def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    client = PrometheusClient("http://prometheus.test", limits=QUICK, transport=httpx.MockTransport(reply))
    return client, asked


def server(build: dict[str, Any] | None, *, understands: bool) -> Any:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/buildinfo"):
            if build is None:
                return httpx.Response(404, text="404 page not found")
            return httpx.Response(200, json={"status": "success", "data": build})
        if understands:
            return httpx.Response(200, json={"status": "success", "data": {"result": []}})
        return httpx.Response(400, json={"status": "error", "errorType": "bad_data", "error": "parse error"})

    return reply


@pytest.mark.parametrize(
    ("build", "understands", "takes_any", "questions"),
    [
        ({"version": "3.16.0"}, True, True, 1),
        ({"version": "2.42.0+ds"}, False, False, 2),
        ({"version": "2.55.1"}, True, True, 2),  # behind a feature flag
        ({"version": ""}, True, True, 2),  # built from source
        ({"version": "0.37.2"}, False, False, 2),  # Thanos counts for itself
        ({"version": "3.0.0", "application": "Grafana Mimir"}, False, False, 2),
        ({}, False, False, 2),  # VictoriaMetrics
        (None, False, False, 2),
    ],
)
async def test_a_server_is_asked_what_it_is_and_where_that_does_not_tell_what_it_understands(
    build: dict[str, Any] | None, understands: bool, takes_any: bool, questions: int
):
    client, asked = client_of(server(build, understands=understands))

    support = await name_support(client)

    assert (support.takes_any, len(asked)) == (takes_any, questions)
    assert asked[0].method == "GET"


async def test_a_gateway_that_lets_only_queries_through_is_no_server_that_is_away():
    answer = server(None, understands=True)

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(503, text="no route")
        return httpx.Response(answer(request).status_code, content=answer(request).content)

    client, _ = client_of(reply)

    for _ in range(20):
        assert (await name_support(client)).takes_any

    assert client.breaker.state == "closed"


async def test_presets_with_dots_are_asked_for_where_the_server_takes_them_and_only_there():
    metric = "http.server.request.duration_seconds"

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/buildinfo"):
            return httpx.Response(200, json={"status": "success", "data": {"version": "3.16.0"}})
        query = parse_qs(request.content.decode())["query"][0]
        there = f'"{metric}_' in query and '"service.name"!=""' in query
        found = [{"metric": {}, "value": [0, "3"]}] if there else []
        return httpx.Response(200, json={"status": "success", "data": {"result": found}})

    client, asked = client_of(reply)
    old, asked_old = client_of(server({"version": "2.42.0"}, understands=False))

    (found,) = (await PrometheusTelemetrySource(client, lambda: AT).conventions()).requests
    with pytest.raises(Unavailable):  # this one refuses every query
        await PrometheusTelemetrySource(old, lambda: AT).conventions()

    assert (found.preset.name, found.service_label, found.metric) == (
        "otel-http-dotted",
        "service.name",
        f"{metric}_count",
    )
    assert found.has_histogram
    assert len(asked) > len(REQUEST_PRESETS)
    assert [b"http.server" in request.content for request in asked_old] == [False] * len(asked_old)


@pytest.mark.prometheus
async def test_prometheus_2_42_refuses_such_names_and_the_answer_says_what_to_do(prometheus_server):
    running = prometheus_server([])
    client = PrometheusClient(running.url, limits=QUICK)
    source = PrometheusTelemetrySource(client, lambda: AT, throttling_label="k8s.container.name")

    version = str((await client.build())["version"])
    if not version.startswith("2."):
        pytest.skip(f"this Prometheus is {version}")
    with pytest.raises(QueryRefused) as refused:
        await client.query(selector("http.server.request.duration_count", ('"service.name"!=""',)))
    support = await name_support(client)
    found = await source.conventions()
    with pytest.raises(Unavailable) as told:
        await source.cpu_throttling(["a"], AT)
    await client.close()

    assert (refused.value.status, refused.value.kind) == (400, "bad_data")
    assert not support.takes_any
    assert found.requests == ()
    assert "SLOENGINE_THROTTLING_LABEL is 'k8s.container.name'" in told.value.message
    assert f"Prometheus {version}" in told.value.message
    assert "k8s_container_name" in told.value.message


async def test_dimensions_with_dots_and_an_exporter_s_namespace_with_dots_are_read():
    metric = "otel.traces_service_graph_request_total"
    labels = {"client": "web", "server": "orders", "connection_type": "database", "server_db.system": "postgresql"}

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/buildinfo"):
            return httpx.Response(200, json={"status": "success", "data": {"version": "3.16.0"}})
        query = parse_qs(request.content.decode())["query"][0]
        found: list[dict[str, Any]] = []
        if query.startswith("count by (__name__)") and "traces_service_graph" in query:
            found = [{"metric": {"__name__": metric}, "value": [0, "1"]}]
        elif "increase(" in query and f'{{"{metric}",' in query:
            found = [{"metric": labels, "value": [0, "7"]}]
        return httpx.Response(200, json={"status": "success", "data": {"result": found}})

    client, asked = client_of(reply)

    found = await ServiceGraphDiscovery(client).discover(AT.replace(hour=11), AT)

    (edge,) = found.dependencies
    assert (edge.caller, edge.dependency, edge.calls) == ("web", "orders", 7.0)
    assert edge.attributes.protocol == "postgresql"
    assert dict(found.services[0].metadata) == {"kind": "database", "system": "postgresql"}
    assert any(b"server_db.system" in request.content for request in asked)
