"""Failures that a series was born with, on a real Prometheus: counted where they cannot be old."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource

from .openmetrics import Counter, chunks

START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 6
END = START + timedelta(hours=HOURS)
REQUESTS = "http_server_request_duration_seconds_count"


def _at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def _counter(
    job: str,
    status: str,
    per_step: float,
    *,
    first: float = 0.0,
    born: datetime | None = None,
    died: datetime | None = None,
    **labels: str,
) -> Counter:
    named = {"instance": f"{job}-1", "http_response_status_code": status, **labels}
    counter = Counter({"job": job, **named}, per_step, born=born, died=died)
    counter.value = first
    return counter


def _edge(failed: str, per_step: float, *, first: float = 0.0, born: datetime | None = None) -> Counter:
    counter = Counter({"client": "cart", "server": "stock", "failed": failed}, per_step, born=born)
    counter.value = first
    return counter


def organisation() -> dict[str, list[Counter]]:
    """What happens to each service is in the test of its name."""
    return {
        REQUESTS: [
            _counter("cart", "200", 100),
            _counter("cart", "500", 0, first=7, born=_at(2.25)),
            _counter("cart", "503", 2, first=5, born=_at(4.25)),
            _counter("young", "200", 100),
            _counter("young", "200", 100, first=4_000, born=_at(2.25), instance="young-2"),
            _counter("young", "500", 0, first=40, born=_at(2.25), instance="young-2"),
            _counter("moved", "200", 100, died=_at(3.25)),
            _counter("moved", "500", 1, first=900, died=_at(3.25)),
            _counter("moved", "200", 100, first=5_000, born=_at(3.25), region="eu"),
            _counter("moved", "500", 1, first=1_000, born=_at(3.25), region="eu"),
            _counter("gapped", "200", 100, died=_at(1.5)),
            _counter("gapped", "500", 0, first=900, died=_at(1.5)),
            _counter("gapped", "200", 100, first=5_000, born=_at(3.25)),
            _counter("gapped", "500", 0, first=900, born=_at(3.25)),
        ],
        "traces_service_graph_request_total": [_edge("false", 50), _edge("true", 0, first=3, born=_at(2.25))],
        "traces_service_graph_request_failed_total": [_edge("true", 0, first=3, born=_at(2.25))],
    }


@pytest.fixture(scope="module")
def prometheus(prometheus_server):
    return prometheus_server(chunks(organisation(), START, END + timedelta(minutes=5)))


@pytest.fixture
async def source(prometheus) -> AsyncIterator[PrometheusTelemetrySource]:
    client = PrometheusClient(prometheus.url, limits=ClientLimits(timeout_seconds=60, attempts=2))
    yield PrometheusTelemetrySource(client, lambda: END + timedelta(minutes=2))
    await client.close()


async def _failed(source: PrometheusTelemetrySource, service_id: str) -> np.ndarray:
    panel = (await source.pull([service_id], START, END)).availability
    return panel.total[0] - panel.good[0]


async def test_the_first_failures_of_a_process_that_was_there_before_are_counted(source):
    pulled = await source.pull(["cart"], START, END)

    panel = pulled.availability
    failed = panel.total[0] - panel.good[0]
    # Nothing fails but what the two series show: 7 at once, and 5 with 2 in each of the 9 steps after.
    np.testing.assert_allclose(failed, [0, 0, 7, 0, 5 + 2 * 9, 2 * 12], rtol=1e-6)
    # A failed request is a request.
    np.testing.assert_allclose(panel.total[0, 2], 1200 + 7, rtol=1e-6)
    assert any("last_over_time" in query for query in pulled.queries)


async def test_what_a_process_that_is_seen_for_the_first_time_brings_is_not_counted(source):
    assert (await _failed(source, "young")).max() == 0


async def test_series_that_get_another_label_do_not_fail_again(source):
    failed = await _failed(source, "moved")

    # One a step; the hour in which the label changed has nine steps of each series at most.
    assert failed.max() <= 12 * (1 + 1e-6)


async def test_a_gap_in_scraping_does_not_count_old_failures_again(source):
    assert np.nanmax(await _failed(source, "gapped")) == 0


async def test_queries_for_many_services_stay_short_enough_for_every_server(source):
    others = [f"a-service-with-a-name-of-some-length-{number}" for number in range(399)]

    pulled = await source.pull([*others, "cart"], START + timedelta(hours=2), START + timedelta(hours=3))

    first = [query for query in pulled.queries if "clamp_min" in query]
    assert len(first) > 2
    assert max(map(len, first)) <= 15_000
    panel = pulled.availability
    assert panel.total[-1, 0] - panel.good[-1, 0] == pytest.approx(7)
    assert pulled.edges is None


async def test_of_a_whole_organisation_they_are_asked_in_one_query(source):
    others = [f"service-{number}" for number in range(800)]

    pulled = await source.pull([*others, "cart"], START + timedelta(hours=2), START + timedelta(hours=3))

    panel = pulled.availability
    assert panel.total[-1, 0] - panel.good[-1, 0] == pytest.approx(7)
    # One of requests, one of calls.
    assert sum("clamp_min" in query for query in pulled.queries) == 2


async def test_first_failed_calls_of_an_edge_that_was_there_before_are_counted(source):
    edges = (await source.pull(["cart", "stock"], START, END)).edges

    assert edges is not None
    np.testing.assert_allclose(edges.failed[0], [0, 0, 3, 0, 0, 0], rtol=1e-6)
