"""Native histograms, in a real Prometheus: written by remote write, read by the adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.discovery import HistogramKind
from sloengine.infrastructure.prometheus.native import NATIVE_BOUNDS_SECONDS, native_rows
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource

from .remote_write import bucket_of, histogram, series, value, write

START = datetime(2026, 3, 2, tzinfo=UTC)
END = START + timedelta(hours=4)
NOW = END + timedelta(minutes=1)
NATIVE = "http_server_request_duration_seconds"
STEP = timedelta(minutes=5)
STEPS = int((END - START) / STEP) + 1
OK = {0.05: 50, 0.2: 37, 0.7: 9, 3.0: 1}
FAILED = {0.05: 2}
DEAD = {1.4: 1}


def _written(job: str, per_step: Mapping[float, int], **labels: str) -> bytes:
    counts = {bucket_of(seconds): n for seconds, n in per_step.items()}
    samples = [
        histogram({index: n * step for index, n in counts.items()}, (START + step * STEP).timestamp())
        for step in range(STEPS)
    ]
    return series({"__name__": NATIVE, "job": job, **labels}, samples)


def _counter(suffix: str, per_step: float, **labels: str) -> bytes:
    samples = [value(per_step * step, (START + step * STEP).timestamp()) for step in range(STEPS)]
    return series({"__name__": f"{NATIVE}_{suffix}", "job": "catalog", **labels}, samples, native=False)


@pytest.fixture(scope="module")
def prometheus(prometheus_server):
    server = prometheus_server((), ["--enable-feature=native-histograms", "--web.enable-remote-write-receiver"])
    write(
        server.url,
        [
            _written("shop/checkout", OK, http_response_status_code="200"),
            _written("shop/checkout", FAILED, http_response_status_code="503"),
            _written("shop/checkout", DEAD, error_type="timeout"),
            _written("search", {0.05: 10}, http_response_status_code="200"),
            _counter("count", 10, http_response_status_code="200"),
            _counter("bucket", 9, le="0.1"),
            _counter("bucket", 10, le="+Inf"),
        ],
    )
    return server


@pytest.fixture
async def source(prometheus) -> AsyncIterator[PrometheusTelemetrySource]:
    client = PrometheusClient(prometheus.url)
    yield PrometheusTelemetrySource(client, lambda: NOW)
    await client.close()


async def test_a_server_that_has_both_kinds_of_histogram_is_read_for_both(source):
    found = await source.conventions()

    kinds = [(one.preset.name, one.histogram, one.counted_natively) for one in found.requests]
    assert kinds == [("otel-http", HistogramKind.CLASSIC, False), ("otel-http", HistogramKind.NATIVE, True)]
    assert await source.service_ids(START, END) == ["catalog", "checkout", "search"]


async def test_requests_and_failures_are_counted_by_the_histogram_where_there_is_no_counter(source):
    pulled = await source.pull(["checkout", "catalog"], START + timedelta(hours=1), END)

    checkout, catalog = pulled.availability.total
    np.testing.assert_allclose(checkout, 1200, rtol=1e-6)
    np.testing.assert_allclose(checkout - pulled.availability.good[0], 36, rtol=1e-6)
    np.testing.assert_allclose(catalog, 120, rtol=1e-6)
    np.testing.assert_array_equal(pulled.latency["catalog"].bounds_seconds, [0.1, np.inf])


async def test_counts_at_chosen_bounds_are_those_of_the_server_s_own_histogram_fraction(source):
    pulled = await source.pull(["checkout"], START + timedelta(hours=1), END)

    history = pulled.latency["checkout"]
    assert history.bounds_seconds.tolist() == [*NATIVE_BOUNDS_SECONDS, np.inf]
    cumulative = np.cumsum(history.counts, axis=1)
    np.testing.assert_allclose(cumulative[:, -1], 1200, rtol=1e-6)
    summed = f'sum by (job) (increase({NATIVE}{{job="shop/checkout"}}[1h]))'
    for position, bound in enumerate(NATIVE_BOUNDS_SECONDS):
        answer = await source.client.query(f"histogram_fraction(-Inf, {bound}, {summed})", at=END.timestamp())
        expected = float(answer[0]["value"][1]) * 1200
        assert cumulative[-1, position] == pytest.approx(expected, abs=1e-6), bound
    # 0.7 s lies in the bucket (0.648, 0.707]: all of it is under 0.75 s, none of it under 0.5 s.
    at = {bound: position for position, bound in enumerate(NATIVE_BOUNDS_SECONDS)}
    assert cumulative[0, at[0.5]] == pytest.approx(12 * (50 + 37 + 2))
    assert cumulative[0, at[0.75]] == pytest.approx(12 * (50 + 37 + 2 + 9))


async def test_hours_without_samples_are_no_data(source):
    pulled = await source.pull(["search"], START + timedelta(hours=1), END + timedelta(hours=2))

    counts = pulled.latency["search"].counts
    assert np.isfinite(counts[:3]).all()
    assert np.isnan(counts[-1]).all()


def _answer(*buckets: tuple[float, float, float]) -> list[dict[str, object]]:
    listed = [[0, str(lower), str(upper), str(count)] for lower, upper, count in buckets]
    count = str(sum(bucket[2] for bucket in buckets))
    return [{"metric": {"job": "a"}, "histograms": [[3600, {"count": count, "sum": "1", "buckets": listed}]]}]


def _rows(answer: list[dict[str, object]], unit_seconds: float = 1.0):
    return native_rows(answer, "job", (3600.0, 3600.0, 2), lambda key: key, unit_seconds)[("a",)]


def test_opentelemetry_s_bounds_are_among_those_counted_and_no_gap_decides_a_target():
    advised = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0}

    assert advised <= set(NATIVE_BOUNDS_SECONDS)
    assert (np.diff(np.log(NATIVE_BOUNDS_SECONDS)) <= np.log(1.5) - 1e-6).all()
    assert (NATIVE_BOUNDS_SECONDS[0], NATIVE_BOUNDS_SECONDS[-1]) == (0.001, 60.0)


def test_buckets_too_wide_to_tell_bounds_apart_are_not_guessed_at():
    assert _rows(_answer((0.1, 0.2, 5.0))) is not None
    assert _rows(_answer((0.1, 0.5, 5.0))) is None
    assert _rows(_answer((0.0, 0.1, 5.0))) is None
    assert _rows(_answer((0.1, float("inf"), 5.0))) is None


def test_milliseconds_and_the_bucket_around_zero_are_understood():
    counts = _rows(_answer((-1e-9, 1e-9, 3.0), (200.0, 210.0, 7.0)), 0.001)

    cumulative = np.cumsum(counts[0])
    at = {bound: position for position, bound in enumerate(NATIVE_BOUNDS_SECONDS)}
    assert cumulative[0] == 3
    assert cumulative[at[0.2]] == 3
    assert cumulative[at[0.25]] == 10
    assert np.isnan(counts[1]).all()
