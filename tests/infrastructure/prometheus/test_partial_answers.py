"""A part of the data must not become a number: the store that is away may hold the failures."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import numpy as np
import pytest

from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand
from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus.client import ClientLimits, PrometheusClient
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource
from sloengine.infrastructure.prometheus.whole_answers import PartialAnswer
from tests.application.organisation import NOW, Engine

START = NOW.replace(hour=0, minute=0)
HOURS = 12
METRIC = "http_server_request_duration_seconds_count"
HOUR = 3600
AWAY = (
    'receive series from Addr: 10.1.2.3:10901 LabelSets: {replica="b"} MinTime: 1 MaxTime: 2: rpc error: '
    "code = Unavailable desc = connection error"
)
NO_STORE = "No StoreAPIs matched for this query"
MIXED = 'PromQL warning: encountered a mix of histograms and floats for metric name "x" (1:2)'
INFORMATION = (
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "x" (1:2)'
)
QUANTILE = "PromQL warning: quantile value should be between 0 and 1, got 2 (1:2)"


@dataclass
class Querier:
    """Answers as Thanos: 100 requests an hour of each service; 10 of a's failed, which one store knows.

    ``beside``: fields beside the data, by what is asked. ``mixed``: service → hours (their ends) at which its
    requests have both kinds of samples, so that it is left out of the answer, with Prometheus' warning.
    ``kept_from``: no store has anything before.
    """

    services: tuple[str, ...] = ("a", "b")
    beside: dict[str, dict[str, object]] = field(default_factory=dict)
    mixed: dict[str, set[float]] = field(default_factory=dict)
    kept_from: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("buildinfo"):
            return httpx.Response(404)
        form = httpx.QueryParams(request.content.decode())
        query = form["query"]
        kind = self._kind(query)
        self.asked.append(kind)
        beside = dict(self.beside.get(kind, {}))
        if form.get("end") and float(form["end"]) < self.kept_from:
            return self._answer("matrix", [], {"warnings": [NO_STORE]})
        if kind == "discovery":
            there = f"{METRIC}{{job!=" in query
            return self._answer("vector", [{"metric": {}, "value": [0, "2"]}] if there else [], beside)
        if kind == "names":
            series = [{"metric": {"job": one}, "value": [0, "1"]} for one in self.services]
            return self._answer("vector", series, beside)
        if kind == "throttling":
            return self._answer("vector", [{"metric": {"container": "a"}, "value": [0, "0.5"]}], beside)
        steps = np.arange(float(form["start"]), float(form["end"]) + 1, HOUR).tolist()
        series = []
        for service in () if kind == "first failures" else self.services:
            if not re.search(rf"[(|]{service}[|)]", query):
                continue
            bad = self.mixed.get(service, set()) if kind == "failures" else set()
            if bad & set(steps):
                beside = {"warnings": [MIXED]}
            count = "100" if kind == "requests" else "10"
            if kind == "requests" or (service == "a" and "warnings" not in beside and "isPartial" not in beside):
                values = [[at, count] for at in steps if at not in bad]
                series.append({"metric": {"job": service}, "values": values})
        return self._answer("matrix", series, beside)

    def _kind(self, query: str) -> str:
        if "cfs" in query:
            return "throttling"
        if query.startswith("count by (job)"):
            return "names"
        if query.startswith("count"):
            return "discovery"
        if "clamp_min" in query:
            return "first failures"
        return "failures" if "response_status" in query else "requests"

    def _answer(self, kind: str, result: list[object], beside: dict[str, object]) -> httpx.Response:
        body = {"status": "success", "data": {"resultType": kind, "result": result}}
        return httpx.Response(200, json=body | beside)


@pytest.fixture
def querier() -> Querier:
    return Querier()


@pytest.fixture
async def source(querier: Querier) -> AsyncIterator[PrometheusTelemetrySource]:
    client = PrometheusClient(
        "http://thanos.test", limits=ClientLimits(attempts=1), transport=httpx.MockTransport(querier)
    )
    yield PrometheusTelemetrySource(client, lambda: NOW)
    await client.close()


def end(hour: int) -> float:
    return (START + timedelta(hours=hour + 1)).timestamp()


async def pull(source: PrometheusTelemetrySource, services: tuple[str, ...] = ("a", "b")):
    return await source.pull(services, START, START + timedelta(hours=HOURS))


async def test_a_whole_answer_counts(source):
    pulled = await pull(source)

    np.testing.assert_array_equal(pulled.availability.good, [[90.0] * HOURS, [100.0] * HOURS])
    assert pulled.refused == {}


@pytest.mark.parametrize(
    "beside",
    [
        {"warnings": [AWAY]},
        {"isPartial": True},
        {"warnings": [INFORMATION, AWAY]},
        {"warnings": ["7 more warning annotations omitted"]},
        {"warnings": ["remote_read: remote server http://x returned HTTP status 500"]},
    ],
)
@pytest.mark.parametrize("kind", ["requests", "failures", "discovery"])
async def test_no_hour_is_given_of_a_part(source, querier, kind, beside):
    querier.beside[kind] = beside

    with pytest.raises(PartialAnswer, match=r"thanos\.test gives a part of the data only: ") as told:
        await pull(source)

    assert str(beside.get("warnings", ["isPartial"])[-1])[:40] in told.value.message


@pytest.mark.parametrize(
    "beside",
    [
        {"infos": [INFORMATION]},
        {"warnings": [INFORMATION]},
        {"warnings": [QUANTILE]},
        {"warnings": []},
        {"warnings": None, "isPartial": False},
    ],
)
async def test_information_takes_no_hour_away(source, querier, beside):
    querier.beside["requests"] = beside

    pulled = await pull(source)

    np.testing.assert_array_equal(pulled.availability.total, np.full((2, HOURS), 100.0))


async def test_neither_services_nor_throttling_are_read_off_a_part(source, querier):
    querier.beside = {kind: {"warnings": [AWAY]} for kind in ("names", "throttling")}

    with pytest.raises(PartialAnswer):
        await source.service_ids(START, NOW)
    with pytest.raises(PartialAnswer):
        await source.cpu_throttling(["a"], NOW)


async def test_what_was_found_of_a_part_is_not_remembered(source, querier):
    querier.beside["discovery"] = {"isPartial": True}
    with pytest.raises(PartialAnswer):
        await source.conventions()

    querier.beside.clear()

    assert [one.service_label for one in (await source.conventions()).requests] == ["job"]


async def test_an_hour_with_mixed_samples_is_no_data_for_that_service_only(source, querier):
    querier.services = tuple(f"s{number}" for number in range(8))
    querier.mixed["s5"] = {end(3)}

    pulled = await pull(source, querier.services)

    lost = np.isnan(pulled.availability.total)
    assert np.argwhere(lost).tolist() == [[5, 3]]
    assert np.isnan(pulled.availability.good[5, 3])
    assert list(pulled.refused) == ["s5"]
    assert pulled.refused["s5"].startswith(
        "an hour is not counted, because Prometheus left values out: PromQL warn"
    )


async def test_a_fleet_of_mixed_samples_is_not_searched_without_end(source, querier):
    querier.services = tuple(f"s{number}" for number in range(200))
    querier.mixed = {service: {end(hour) for hour in range(HOURS)} for service in querier.services}

    pulled = await pull(source, querier.services)

    assert np.isnan(pulled.availability.total).all()
    assert set(pulled.refused) == set(querier.services)
    assert len(querier.asked) < 500


async def test_days_before_the_first_store_are_no_data_and_no_error(source, querier):
    querier.kept_from = START.timestamp()

    pulled = await source.pull(["a"], START - timedelta(days=4), START - timedelta(days=3))

    assert np.isnan(pulled.availability.total).all()
    assert pulled.refused == {}


async def test_no_store_at_all_for_hours_just_over_is_an_error(source, querier):
    querier.beside["failures"] = {"warnings": [NO_STORE]}

    with pytest.raises(Unavailable, match=NO_STORE):
        await pull(source)


@pytest.fixture
async def engine(source) -> Engine:
    engine = Engine(source)
    await engine.ingest(services=[{"serviceId": "a"}, {"serviceId": "b"}])
    return engine


async def totals(engine: Engine) -> list[float]:
    panel = await engine.history.read(["a"], START, START + timedelta(hours=HOURS))
    total = panel.total[panel.rows["a"]] if "a" in panel.rows else np.array([])
    return total[~np.isnan(total)].tolist()


async def test_hours_of_a_part_are_not_stored_and_come_when_the_store_is_back(engine, querier):
    querier.beside["failures"] = {"warnings": [AWAY]}

    report = await engine.use.aggregate_telemetry(AggregateTelemetryCommand(back_to=START))

    assert AWAY in (report.error or "")
    watermark = await engine.history.watermark()
    assert watermark.aggregated_to is None
    assert AWAY in (watermark.last_error or "")
    assert await totals(engine) == []

    querier.beside.clear()
    report = await engine.use.aggregate_telemetry(AggregateTelemetryCommand(back_to=START))

    assert report.error is None
    assert (await engine.history.watermark()).last_error is None
    assert await totals(engine) == [100.0] * HOURS


async def test_missing_hours_are_not_filled_with_a_part(engine, querier):
    missing = engine.use.recommend.missing_hours
    querier.beside["failures"] = {"isPartial": True}

    with pytest.raises(PartialAnswer):
        await missing(["a"])

    assert await totals(engine) == []
    assert missing.filled == 0
