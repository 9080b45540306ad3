"""The adapter against a real Prometheus with backfilled blocks, and against a broken one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.domain.topology.name_rules import NameRule, NameRules
from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient, QueryRefused
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource

from .openmetrics import Counter, chunks

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=24)
NOW = END + timedelta(minutes=2)
QUICK = ClientLimits(timeout_seconds=60, attempts=2, backoff_seconds=0.01)

REQUESTS = "http_server_request_duration_seconds_count"
BUCKETS = "http_server_request_duration_seconds_bucket"


def _buckets(job: str, per_step: dict[str, float]) -> list[Counter]:
    return [Counter({"job": job, "le": le}, value) for le, value in per_step.items()]


def organisation() -> dict[str, list[Counter]]:
    """checkout: 100 requests a step, 2 of them 5xx and 1 dead before it had a status; restarts once."""
    restart = (START + timedelta(hours=10, minutes=5),)
    return {
        REQUESTS: [
            Counter({"job": "shop/checkout", "http_response_status_code": "200"}, 97, restarts=restart),
            Counter({"job": "shop/checkout", "http_response_status_code": "503"}, 2),
            Counter({"job": "shop/checkout", "error_type": "timeout"}, 1),
            Counter({"job": "catalog", "http_response_status_code": "200"}, 10, died=START + timedelta(hours=12)),
            Counter({"job": "shop/search", "http_response_status_code": "200"}, 5),
            Counter({"job": "bank/search", "http_response_status_code": "200"}, 7),
        ],
        BUCKETS: [
            *_buckets("shop/checkout", {"0.1": 50, "0.5": 90, "1": 99, "+Inf": 100}),
            *_buckets("catalog", {"0.1": 9, "+Inf": 10}),
        ],
        "traces_service_graph_request_total": [
            Counter({"client": "checkout", "server": "catalog", "failed": "false"}, 45),
            Counter({"client": "checkout", "server": "catalog", "failed": "true"}, 5),
            Counter({"client": "user", "server": "checkout", "failed": "false"}, 100),
            Counter({"client": "checkout", "server": "unknown", "failed": "false"}, 3),
        ],
        "container_cpu_cfs_throttled_periods_total": [
            Counter({"container": "checkout", "pod": "checkout-1"}, 900),
            Counter({"container": "checkout", "pod": "checkout-2"}, 0),
            Counter({"container": "catalog", "pod": "catalog-1"}, 0),
        ],
        "container_cpu_cfs_periods_total": [
            Counter({"container": "checkout", "pod": "checkout-1"}, 1500),
            Counter({"container": "checkout", "pod": "checkout-2"}, 1500),
            Counter({"container": "catalog", "pod": "catalog-1"}, 3000),
        ],
        "traces_service_graph_request_failed_total": [
            Counter({"client": "checkout", "server": "catalog", "failed": "true"}, 5),
        ],
    }


@pytest.fixture(scope="module")
def prometheus(prometheus_server):
    return prometheus_server(chunks(organisation(), START, END + timedelta(minutes=5)))


@pytest.fixture
async def source(prometheus) -> AsyncIterator[PrometheusTelemetrySource]:
    client = PrometheusClient(prometheus.url, limits=QUICK)
    yield PrometheusTelemetrySource(client, lambda: NOW)
    await client.close()


async def test_hours_are_summed_from_counters_with_both_kinds_of_failure(source):
    pulled = await source.pull(["checkout"], START + timedelta(hours=1), START + timedelta(hours=9))

    panel = pulled.availability
    assert panel.start_at == START + timedelta(hours=1)
    assert panel.total.shape == (1, 8)
    np.testing.assert_allclose(panel.total[0], 1200, rtol=1e-6)
    np.testing.assert_allclose(panel.total[0] - panel.good[0], 36, rtol=1e-6)


async def test_a_server_that_has_all_says_nothing_beside_its_answers(source):
    said: list[str] = []
    for query in (
        'increase({job="shop/checkout"}[1h])',
        "sum by (job) (up)",
        f"count(last_over_time({REQUESTS}[1d]))",
    ):
        await source.client.query(query, at=END.timestamp(), warnings=said)

    assert said == []


async def test_a_restart_of_the_counter_is_no_outage_and_no_negative(source):
    pulled = await source.pull(["checkout"], START + timedelta(hours=10), START + timedelta(hours=11))

    total = pulled.availability.total[0, 0]
    # The step in which the process restarted is lost, nothing else: 11 of 12 steps of 97, and all of the others.
    assert 1200 - 97 - 5 <= total <= 1200 + 5


async def test_hours_without_a_series_are_no_data_and_not_perfect(source):
    pulled = await source.pull(["catalog", "nobody"], START + timedelta(hours=11), START + timedelta(hours=15))

    catalog, nobody = pulled.availability.total
    assert catalog[0] > 0
    assert np.isnan(catalog[2:]).all()
    assert np.isnan(nobody).all()


async def test_a_service_without_failure_series_has_no_failures(source):
    pulled = await source.pull(["catalog"], START + timedelta(hours=1), START + timedelta(hours=4))

    np.testing.assert_array_equal(pulled.availability.good, pulled.availability.total)


async def test_two_namespaces_with_one_service_name_are_refused_with_both_names(source):
    pulled = await source.pull(["search"], START + timedelta(hours=1), START + timedelta(hours=3))

    assert np.isnan(pulled.availability.total).all()
    assert "bank/search" in pulled.refused["search"]
    assert "shop/search" in pulled.refused["search"]


async def test_the_full_identity_is_taken_when_it_is_asked_for(source):
    pulled = await source.pull(["bank/search"], START + timedelta(hours=1), START + timedelta(hours=3))

    np.testing.assert_allclose(pulled.availability.total, 84, rtol=1e-6)


async def test_buckets_become_counts_per_bound_whatever_the_form_of_le(source):
    pulled = await source.pull(["checkout"], START + timedelta(hours=1), START + timedelta(hours=3))

    history = pulled.latency["checkout"]
    np.testing.assert_array_equal(history.bounds_seconds, [0.1, 0.5, 1.0, np.inf])
    np.testing.assert_allclose(history.counts, [[600, 480, 108, 12]] * 2, rtol=1e-6)


async def test_calls_per_edge_add_up_both_values_of_failed_and_leave_out_what_is_no_service(source):
    pulled = await source.pull(["checkout", "catalog"], START + timedelta(hours=1), START + timedelta(hours=3))

    assert pulled.edges is not None
    assert pulled.edges.pairs == (("checkout", "catalog"),)
    np.testing.assert_allclose(pulled.edges.calls, 600, rtol=1e-6)
    np.testing.assert_allclose(pulled.edges.failed, 60, rtol=1e-6)


async def test_many_services_cost_few_queries(source):
    wanted = ["checkout", "catalog", *(f"service-{number}" for number in range(998))]
    await source.conventions()

    pulled = await source.pull(wanted, START + timedelta(hours=1), START + timedelta(hours=24))

    # Requests, failures, buckets by shard; first failures of all; edges.
    assert pulled.query_count <= 3 * 3 + 1 + 3
    assert np.isfinite(pulled.availability.total[0]).all()


async def test_histograms_are_asked_for_only_where_they_are_wanted(source):
    await source.conventions()
    start, end = START + timedelta(hours=1), START + timedelta(hours=4)

    some = await source.pull(["checkout", "catalog"], start, end, latency_of=["checkout"])
    none = await source.pull(["checkout", "catalog"], start, end, latency_of=[])
    every = await source.pull(["checkout", "catalog"], start, end)

    assert set(every.latency) >= {"checkout"}
    assert set(some.latency) == {"checkout"}
    np.testing.assert_array_equal(some.latency["checkout"].counts, every.latency["checkout"].counts)
    assert (none.latency, none.query_count) == ({}, some.query_count - 1)
    np.testing.assert_array_equal(none.availability.total, every.availability.total)


async def test_throttling_of_many_services_is_one_query_and_a_share_of_all_their_periods(source):
    before = source.client.query_count

    found = await source.cpu_throttling(["checkout", "catalog", "nobody"], END)

    assert source.client.query_count == before + 1
    assert found == {"checkout": pytest.approx(0.3), "catalog": 0.0}


async def test_another_label_may_carry_the_identity_of_throttled_containers(prometheus):
    client = PrometheusClient(prometheus.url, limits=QUICK)
    source = PrometheusTelemetrySource(client, lambda: NOW, throttling_label="pod")

    assert await source.cpu_throttling(["checkout-1"], END) == {"checkout-1": pytest.approx(0.6)}
    await client.close()


async def test_identities_are_listed_by_the_name_rules(source):
    found = await source.service_ids(START, END)

    assert found == ["bank/search", "catalog", "checkout", "shop/search"]
    assert "shop/checkout" in await source.service_ids(START, END, known=["shop/checkout"])


async def test_saved_name_rules_hold_for_telemetry_as_they_do_for_the_graph(source):
    versions = NameRule("versions", "shop/{name}", "{name}-service")
    rules = NameRules((versions,), {"shop/search": "search", "bank/search": "search"})

    async def saved() -> NameRules:
        return rules

    source.rules = saved
    hours = (START + timedelta(hours=1), START + timedelta(hours=3))

    assert await source.service_ids(START, END) == ["catalog", "checkout-service", "search"]
    pulled = await source.pull(["checkout-service", "search", "catalog", "shop/search"], *hours)

    totals = dict(zip(pulled.availability.service_ids, pulled.availability.total[:, 0], strict=True))
    np.testing.assert_allclose(totals["checkout-service"], 1200, rtol=1e-6)
    np.testing.assert_allclose(totals["search"], 12 * (5 + 7), rtol=1e-6)
    assert np.isnan(totals["shop/search"])
    assert "checkout-service" in pulled.latency


async def test_names_that_discovery_has_decided_on_are_measured_under_those_ids(source):
    known = [
        RememberedName("search", ("shop", ""), "search", "shop/search"),
        RememberedName("search", ("bank", ""), "bank-search", "bank/search"),
    ]

    async def remembered() -> RememberedNames:
        return RememberedNames(known)

    source.remembered = remembered
    hours = (START + timedelta(hours=1), START + timedelta(hours=3))

    assert await source.service_ids(START, END) == ["bank-search", "catalog", "checkout", "search"]
    pulled = await source.pull(["search", "bank-search", "checkout"], *hours)

    totals = dict(zip(pulled.availability.service_ids, pulled.availability.total[:, 0], strict=True))
    np.testing.assert_allclose(sorted([totals["search"], totals["bank-search"]]), [12 * 5, 12 * 7], rtol=1e-6)
    np.testing.assert_allclose(totals["checkout"], 1200, rtol=1e-6)
    assert pulled.refused == {}


async def test_a_sample_limit_splits_the_range_instead_of_failing(prometheus_server):
    tight = prometheus_server(
        chunks(organisation(), START, END + timedelta(minutes=5)), ["--query.max-samples=400"]
    )
    client = PrometheusClient(tight.url, limits=QUICK)
    source = PrometheusTelemetrySource(client, lambda: NOW)

    pulled = await source.pull(["catalog"], START + timedelta(hours=1), START + timedelta(hours=11))

    np.testing.assert_allclose(pulled.availability.total, 120, rtol=1e-6)
    await client.close()


async def test_a_bad_query_is_refused_at_once_and_not_retried(source):
    before = source.client.query_count

    with pytest.raises(QueryRefused, match="parse error"):
        await source.client.query("sum by (")

    assert source.client.query_count == before + 1


async def test_a_server_that_hangs_times_out_and_the_breaker_opens(prometheus_server):
    hung = prometheus_server(chunks(organisation(), START, START + timedelta(hours=2)))
    limits = ClientLimits(timeout_seconds=0.2, attempts=4, backoff_seconds=0.01, concurrency=2)
    client = PrometheusClient(hung.url, limits=limits)
    os.kill(hung.process.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await client.query("vector(1)")
        asked = client.query_count
        with pytest.raises(Unavailable, match="asked again in"):
            await client.query("vector(1)")
        assert client.query_count == asked
        assert client.breaker.state == "open"
    finally:
        os.kill(hung.process.pid, signal.SIGCONT)
        await client.close()


async def test_after_the_pause_one_request_probes_and_closes_the_breaker(prometheus):
    clock = [0.0]
    client = PrometheusClient("http://127.0.0.1:1", limits=QUICK, monotonic=lambda: clock[0])
    for _ in range(5):
        with pytest.raises(Unavailable):
            await client.query("vector(1)")
    assert client.breaker.state == "open"

    clock[0] += 30
    recovered = PrometheusClient(prometheus.url, limits=QUICK, monotonic=lambda: clock[0])
    recovered.breaker = client.breaker
    assert client.breaker.state == "half-open"
    assert await recovered.query("vector(1)")
    assert client.breaker.state == "closed"
    await client.close()
    await recovered.close()


async def test_concurrency_stays_within_its_bound():
    running, most = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": []}})

    client = PrometheusClient(
        "http://prometheus.test", limits=ClientLimits(concurrency=3), transport=httpx.MockTransport(answer)
    )
    await asyncio.gather(*(client.query("vector(1)") for _ in range(30)))

    assert most == 3
    await client.close()
