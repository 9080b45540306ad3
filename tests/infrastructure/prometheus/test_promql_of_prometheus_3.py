"""What is asked of a Prometheus 3 is PromQL to its own parser. The texts only: no Prometheus 3 runs here."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import httpx
import pytest

from sloengine.infrastructure.prometheus import promql, throttling
from sloengine.infrastructure.prometheus.any_names import _PROBE
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.presets import REQUEST_PRESETS
from sloengine.infrastructure.prometheus.promql_names import selector
from sloengine.infrastructure.prometheus.service_graph_discovery import ServiceGraphDiscovery
from tests.conftest import missing

pytestmark = pytest.mark.slow
IDS = ["checkout", "a.b", 'quote"d', "back\\slash", "Über"]
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def verdicts(queries: list[str]) -> list[str]:
    tool = shutil.which("promql_check")
    if tool is None:
        missing("promql_check is not on PATH: scripts/build_promql_check builds it")
    given = "\n".join(json.dumps(query) for query in queries)
    answer = subprocess.run([str(tool)], input=given, capture_output=True, text=True, timeout=60, check=True)
    return answer.stdout.splitlines()


def of_presets() -> Iterator[str]:
    for preset, native in product(REQUEST_PRESETS, (False, True)):
        if native and not preset.counts_by_histogram:
            continue
        for label in preset.service_labels:
            matcher = promql.service_matcher(label, IDS)
            yield promql.requests(preset, label, matcher, native=native)
            yield promql.failures(preset, label, matcher, native=native)
            if not native:
                yield promql.first_failures(preset, label, matcher)
            if preset.histogram is not None:
                yield promql.buckets(preset, label, promql.value_matcher(label, IDS), native=native)


def test_every_preset_is_asked_for_in_promql():
    queries = [*of_presets(), throttling.query("k8s.container.name", IDS), _PROBE]

    found = verdicts(queries)

    assert dict(zip(queries, found, strict=True)) == dict.fromkeys(queries, "ok")
    assert sum("service.name" in query for query in queries) > 10


def test_the_parser_refuses_what_is_no_promql():
    assert "ok" not in verdicts(['{"a"', "sum by (service.name) (up)", 'http.server.duration{job="a"}'])
    assert verdicts([selector("http.server.duration", ['"service.name"!=""'])]) == ["ok"]


async def test_discovery_asks_in_promql_where_names_have_dots():
    metric = "otel.traces_service_graph_request_total"

    async def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"status": "success", "data": {"version": "3.16.0"}})
        query = dict(httpx.QueryParams(request.content.decode()))["query"]
        named = query.startswith("count by (__name__)")
        found = [{"metric": {"__name__": metric, "client": "a", "server": "b"}, "value": [0, "1"]}]
        return httpx.Response(
            200,
            json={"status": "success", "data": {"result": found if named or "increase" in query else []}},
        )

    client = PrometheusClient("http://prometheus.test", transport=httpx.MockTransport(reply))
    queries = list((await ServiceGraphDiscovery(client).discover(AT.replace(hour=11), AT)).queries)

    assert set(verdicts(queries)) == {"ok"}
    assert any('"server_db.system"' in query and f'"{metric}"' in query for query in queries)
