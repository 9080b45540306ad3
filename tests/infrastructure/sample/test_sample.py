"""The sample organisation: what it contains, and that it is a function of seed, service and hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.simulation.blocks import hour_of
from sloengine.domain.simulation.truth import truth
from sloengine.infrastructure.sample.organisation import (
    SAMPLE_SEED,
    sample_document,
    sample_organisation,
    sample_origin,
)
from sloengine.infrastructure.sample.telemetry_source import SampleTelemetrySource

NOW = datetime(2026, 5, 7, 10, 42, 17, tzinfo=UTC)


class At:
    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


@pytest.fixture(scope="module")
def source() -> SampleTelemetrySource:
    return SampleTelemetrySource(At(NOW))


@pytest.fixture(scope="module")
async def quarter(source):
    ids = await source.service_ids(NOW - timedelta(days=90), NOW)
    return await source.pull(ids, await source.earliest(), NOW)


def test_it_has_what_an_organisation_has():
    document = sample_document()
    services = {row["serviceId"]: row for row in document["services"]}
    rows = document["dependencies"]
    pairs = {(row["caller"], row["dependency"]) for row in rows}

    assert 30 <= len(services) <= 60
    assert "checkout" in services
    assert {end for pair in pairs for end in pair} == set(services)
    assert {"ASYNC", "SYNC"} <= {row.get("mode") for row in rows}
    assert {"HARD", "DEGRADED", "SOFT"} <= {row.get("criticality") for row in rows}
    assert any("criticality" not in row for row in rows)
    assert any("callWeight" not in row for row in rows)
    assert {("pricing", "promotions"), ("promotions", "catalog"), ("catalog", "pricing")} <= pairs
    groups = {(row["caller"], row["redundancyGroup"]): row["required"] for row in rows if "redundancyGroup" in row}
    assert groups == {("payments", "acquirers"): 1, ("search", "search-nodes"): 2}
    external = [row for row in services.values() if row.get("external")]
    assert any("publishedAvailabilityPercent" in row for row in external)
    assert any("publishedAvailabilityPercent" not in row for row in external)
    assert all(row["team"] and row["entityRef"] for row in services.values())
    assert all(row["criticality"] for row in services.values() if not row.get("external"))


def test_everything_says_that_it_is_simulated(source):
    assert source.name == f"simulated sample organisation, seed {SAMPLE_SEED}"
    for row in sample_document(3)["services"]:
        assert row["metadata"] == {"simulated": True, "provenance": "simulated sample organisation, seed 3"}
        assert row["name"].endswith("(simulated)")


async def test_ninety_days_up_to_the_last_whole_hour(source, quarter):
    panel = quarter.availability

    assert await source.earliest() == datetime(2026, 2, 6, 10, tzinfo=UTC)
    assert panel.ends_at == datetime(2026, 5, 7, 10, tzinfo=UTC)
    assert panel.total.shape == (47, 2160)
    assert quarter.edges.calls.shape == (len(sample_document()["dependencies"]), 2160)
    assert quarter.latency["checkout"].counts.shape == (2160, 15)
    assert "seed 7" in quarter.queries[0]
    known = ~np.isnan(panel.total)
    assert (panel.good[known] <= panel.total[known]).all()


async def test_an_hour_pulled_alone_or_by_another_process_has_the_same_numbers(quarter):
    other = SampleTelemetrySource(At(NOW + timedelta(days=2)))
    start = NOW.replace(minute=0, second=0) - timedelta(hours=100)

    pulled = await other.pull(["checkout", "search"], start, start + timedelta(hours=3, minutes=20))

    whole = quarter.availability.select(["checkout", "search"])
    np.testing.assert_array_equal(pulled.availability.good, whole.good[:, -100:-97])
    np.testing.assert_array_equal(pulled.latency["search"].counts, quarter.latency["search"].counts[-100:-97])
    rows = [quarter.edges.pairs.index(pair) for pair in pulled.edges.pairs]
    assert {caller for caller, _ in pulled.edges.pairs} == {"checkout", "search"}
    np.testing.assert_array_equal(pulled.edges.failed, quarter.edges.failed[rows, -100:-97])


async def test_it_goes_on_with_the_clock_and_never_ahead_of_it():
    clock = At(NOW)
    source = SampleTelemetrySource(clock)
    last = datetime(2026, 5, 7, 10, tzinfo=UTC)

    assert (await source.pull(["checkout"], last, last + timedelta(days=1))).availability.total.shape == (1, 0)
    clock.time += timedelta(hours=2)
    pulled = await source.pull(["checkout", "unheard-of"], last, last + timedelta(days=1))

    assert pulled.availability.total.shape == (2, 2)
    assert np.isfinite(pulled.availability.total[0]).all()
    assert np.isnan(pulled.availability.total[1]).all()


def test_the_special_services_are_as_announced(quarter):
    panel = quarter.availability
    total = {name: panel.total[panel.rows[name]] for name in panel.service_ids}
    age_days = np.isfinite(total["gift-cards"]).sum() / 24

    assert 9 <= age_days < 17
    assert (panel.good[panel.rows["image-resizer"]] == 0).all()
    assert total["image-resizer"].sum() > 1000
    assert 2 < np.nanmean(total["store-locator"]) < 10
    assert 0 < np.isnan(total["loyalty"]).mean() < 0.1
    assert "cardbridge" not in panel.service_ids
    assert ("payments", "cardbridge") in quarter.edges.pairs
    assert "cardbridge" not in quarter.latency


def test_the_declared_hard_edge_to_recommendations_is_contradicted_by_what_happens(quarter):
    pairs = quarter.edges.pairs
    failed_calls = quarter.edges.failed[pairs.index(("web-storefront", "recommendations"))]
    front = quarter.availability.bad[quarter.availability.rows["web-storefront"]]
    declared = next(row for row in sample_document()["dependencies"] if row["dependency"] == "recommendations")

    assert declared.get("criticality") is None
    assert failed_calls.sum() > 10_000
    assert np.minimum(failed_calls, front).sum() / failed_calls.sum() < 0.5


def test_the_numbers_are_those_of_a_decent_shop():
    organisation = sample_organisation(SAMPLE_SEED, sample_origin(NOW))
    stated = truth(organisation, hour_of(NOW), 40_000)

    assert 0.99 < stated.availability_ratio["checkout"] < 0.9995
    assert stated.availability_ratio["orders-db"] > 0.999
    assert stated.availability_ratio["recommendations"] < 0.995


def test_the_origin_is_the_monday_of_the_week():
    assert sample_origin(NOW) == datetime(2026, 5, 4, tzinfo=UTC)
    assert sample_origin(datetime(2026, 5, 4, tzinfo=UTC)) == datetime(2026, 5, 4, tzinfo=UTC)
