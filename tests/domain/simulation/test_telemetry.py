"""Telemetry of a simulated organisation: pure, shaped like traffic, and coupled request by request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.simulation.blocks import BLOCK_HOURS, hour_of, time_of
from sloengine.domain.simulation.organisation import (
    Organisation,
    availability,
    edges,
    latency_days,
    latency_hours,
)
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology, chain
from tests.processor_time import processor_seconds

HOUR = 490_000
WEEKS = 4 * BLOCK_HOURS


def shop() -> SimulatedTopology:
    services = (
        SimulatedService("front", arrivals_per_hour=3000),
        SimulatedService("orders"),
        SimulatedService("stock", zone="b"),
        SimulatedService("db", zone="b", missing_ratio=0.2),
        SimulatedService("replica-1", zone="b"),
        SimulatedService("replica-2", zone="c"),
        SimulatedService("mailer", arrivals_per_hour=20, success_always_zero=True),
        SimulatedService("cards", monitored=False),
        SimulatedService("gifts", arrivals_per_hour=50, born_at_hour=HOUR + 200),
    )
    calls = (
        SimulatedCall("front", "orders", 0.4),
        SimulatedCall("front", "stock", 3.0, 0.5),
        SimulatedCall("orders", "stock"),
        SimulatedCall("stock", "db", 1.5),
        SimulatedCall("stock", "orders", 0.1),
        SimulatedCall("orders", "replica-1", 1.0, 1.0, "replicas"),
        SimulatedCall("orders", "replica-2", 1.0, 1.0, "replicas"),
        SimulatedCall("orders", "mailer", 1.0, 0.0, waits=False),
        SimulatedCall("orders", "cards", 1.0, 0.1),
        SimulatedCall("gifts", "db"),
    )
    return SimulatedTopology(services, calls)


ORGANISATION = Organisation(shop(), Parameters(incident_every_days=5), seed=11)
FRESH = {"seed": 11, "parameters": ORGANISATION.parameters}
WHOLE = availability(ORGANISATION, HOUR, HOUR + WEEKS)
WHOLE_EDGES = edges(ORGANISATION, HOUR, HOUR + WEEKS)
WHOLE_LATENCY = latency_hours(ORGANISATION, HOUR, HOUR + WEEKS)


@settings(max_examples=15, deadline=None)
@given(ends=st.tuples(st.integers(0, WEEKS - 1), st.integers(1, WEEKS)).filter(lambda ends: ends[0] < ends[1]))
def test_any_part_of_the_range_has_the_numbers_of_the_whole(ends):
    first, last = ends
    fresh = Organisation(shop(), **FRESH)

    part = availability(fresh, HOUR + first, HOUR + last)
    part_edges = edges(fresh, HOUR + first, HOUR + last)
    part_latency = latency_hours(fresh, HOUR + first, HOUR + last, ["stock"])["stock"]

    np.testing.assert_array_equal(part.good, WHOLE.good[:, first:last])
    np.testing.assert_array_equal(part.total, WHOLE.total[:, first:last])
    np.testing.assert_array_equal(part_edges.calls, WHOLE_EDGES.calls[:, first:last])
    np.testing.assert_array_equal(part_edges.failed, WHOLE_EDGES.failed[:, first:last])
    np.testing.assert_array_equal(part_latency.counts, WHOLE_LATENCY["stock"].counts[first:last])
    assert part.start_at == time_of(HOUR + first)


def test_another_seed_is_another_history_of_the_same_services():
    other = ORGANISATION.with_other_history(12)

    assert other.profiles == ORGANISATION.profiles
    assert not np.array_equal(availability(other, HOUR, HOUR + 48).total, WHOLE.total[:, :48], equal_nan=True)


def test_a_service_added_elsewhere_changes_nothing_for_those_that_do_not_call_it():
    larger = replace(shop(), services=(*shop().services, SimulatedService("wiki", arrivals_per_hour=9)))

    panel = availability(Organisation(larger, **FRESH), HOUR, HOUR + WEEKS)

    np.testing.assert_array_equal(panel.select(WHOLE.service_ids).good, WHOLE.good)


def test_coarser_steps_are_sums_of_what_is_known():
    start = -(-HOUR // 24) * 24
    hourly = availability(ORGANISATION, start, start + 240)

    daily = availability(ORGANISATION, start, start + 240, timedelta(days=1))

    known = ~np.isnan(hourly.total)
    sums = np.where(known, hourly.total, 0).reshape(len(hourly.service_ids), 10, 24).sum(axis=2)
    np.testing.assert_array_equal(np.nan_to_num(daily.total), sums)
    assert daily.step == timedelta(days=1)


def test_five_minute_slots_are_possible_and_steps_must_fit_them():
    fine = Organisation(chain("a", "b"), Parameters(slots_per_hour=12), seed=3)

    panel = availability(fine, HOUR, HOUR + 2, timedelta(minutes=5))

    assert panel.total.shape == (2, 24)
    np.testing.assert_array_equal(
        panel.total.reshape(2, 2, 12).sum(axis=2), availability(fine, HOUR, HOUR + 2).total
    )
    with pytest.raises(ValueError, match="multiple of"):
        availability(ORGANISATION, HOUR, HOUR + 2, timedelta(minutes=5))


def test_traffic_has_busy_afternoons_and_quiet_weekends():
    parameters = Parameters(daily_swing=0.6, weekend_factor=0.5, peak_hour=14)
    start = hour_of(time_of(HOUR)) // BLOCK_HOURS * BLOCK_HOURS + 96  # a Monday: 1970-01-01 was a Thursday
    assert time_of(start).weekday() == 0

    total = availability(Organisation(chain("a"), parameters), start, start + 52 * BLOCK_HOURS).total[0]

    weekly = total.reshape(52, 7, 24).mean(axis=0)
    assert total.mean() == pytest.approx(1000, rel=0.01)
    assert weekly[5:].mean() / weekly[:5].mean() == pytest.approx(0.5, rel=0.02)
    by_hour = weekly.mean(axis=0)
    assert by_hour.argmax() in (13, 14)
    assert by_hour.max() / by_hour.min() == pytest.approx(1.6 / 0.4, rel=0.05)


def test_calls_follow_from_the_callers_requests():
    requests = {name: WHOLE.total[WHOLE.rows[name]] for name in WHOLE.service_ids}
    calls = dict(zip(WHOLE_EDGES.pairs, WHOLE_EDGES.calls, strict=True))

    np.testing.assert_array_equal(calls["front", "stock"], 3 * requests["front"])
    assert calls["front", "orders"].sum() == pytest.approx(0.4 * requests["front"].sum(), rel=0.01)
    np.testing.assert_array_equal(
        requests["stock"], calls["front", "stock"] + calls["orders", "stock"]
    )  # stock calls orders back, and that goes no further
    replicas = calls["orders", "replica-1"].sum() / calls["orders", "replica-2"].sum()
    assert replicas == pytest.approx(1, rel=0.01)


def test_a_failed_call_with_full_pass_through_is_a_failed_request_in_the_same_hour():
    quiet = Parameters(incident_every_days=1e9, zone_incident_every_days=1e9, platform_incident_every_days=1e9)
    services = (
        SimulatedService("front", arrivals_per_hour=300, base_failure_ratio=0.0),
        SimulatedService("db", base_failure_ratio=0.01),
    )
    for weight, share in ((1.0, 1.0), (0.3, 1.0), (1.0, 0.4)):
        organisation = Organisation(
            SimulatedTopology(services, (SimulatedCall("front", "db", weight, share),)), quiet, seed=5
        )
        failed_calls = edges(organisation, HOUR, HOUR + WEEKS).failed[0]
        failed = availability(organisation, HOUR, HOUR + WEEKS).bad[0]

        assert (failed <= failed_calls).all()
        if share == 1:
            np.testing.assert_array_equal(failed, failed_calls)
        assert failed.sum() == pytest.approx(share * failed_calls.sum(), rel=0.1)


def test_many_calls_of_one_request_fail_it_once():
    organisation = Organisation(
        SimulatedTopology(
            (
                SimulatedService("front", arrivals_per_hour=1000, base_failure_ratio=0.0, incidents_per_day=0.0),
                SimulatedService("db", base_failure_ratio=0.1, incidents_per_day=0.0),
            ),
            (SimulatedCall("front", "db", 20.0),),
        ),
        Parameters(base_noise=0.0, zone_incident_every_days=1e9, platform_incident_every_days=1e9),
    )

    panel = availability(organisation, HOUR, HOUR + WEEKS)

    assert panel.bad[0].sum() / panel.total[0].sum() == pytest.approx(1 - 0.9**20, rel=0.01)


def test_failures_of_callers_and_other_callers_add_up_to_those_of_the_dependency():
    failed = dict(zip(WHOLE_EDGES.pairs, WHOLE_EDGES.failed, strict=True))
    stock = WHOLE.bad[WHOLE.rows["stock"]]

    np.testing.assert_array_equal(stock, failed["front", "stock"] + failed["orders", "stock"])
    assert (WHOLE_EDGES.failed[~np.isnan(WHOLE_EDGES.failed)] >= 0).all()
    assert (WHOLE_EDGES.failed <= WHOLE_EDGES.calls)[~np.isnan(WHOLE_EDGES.calls)].all()


def test_zone_incidents_hit_services_of_one_zone_together():
    services = tuple(
        SimulatedService(name, arrivals_per_hour=1000, zone=name[0], base_failure_ratio=0.0, incidents_per_day=0.0)
        for name in ("a1", "a2", "b1")
    )
    parameters = Parameters(zone_incident_every_days=3, zone_hit_share=0.9, platform_incident_every_days=1e9)

    bad = availability(
        Organisation(SimulatedTopology(services, ()), parameters, 4), HOUR, HOUR + 20 * BLOCK_HOURS
    ).bad

    assert np.corrcoef(bad[0], bad[1])[0, 1] > 0.7
    assert abs(np.corrcoef(bad[0], bad[2])[0, 1]) < 0.3


def test_newborn_broken_silent_and_gappy_services_look_as_they_do_in_life():
    total = {name: WHOLE.total[WHOLE.rows[name]] for name in WHOLE.service_ids}

    assert "cards" not in WHOLE.service_ids
    assert np.isnan(total["gifts"][:200]).all()
    assert np.isfinite(total["gifts"][200:]).all()
    assert (WHOLE.good[WHOLE.rows["mailer"]] == 0).all()
    assert (total["mailer"] > 0).mean() > 0.9
    assert np.isnan(total["db"]).mean() == pytest.approx(0.2, abs=0.06)
    assert ("orders", "cards") in WHOLE_EDGES.pairs


def test_histograms_count_the_requests_of_the_hour():
    for name in ("front", "mailer", "db"):
        counts = WHOLE_LATENCY[name].counts
        np.testing.assert_array_equal(counts.sum(axis=1), WHOLE.total[WHOLE.rows[name]])


def test_daily_histograms_are_sums_of_hourly_ones():
    daily = latency_days(ORGANISATION, HOUR, HOUR + WEEKS)["front"]

    assert daily.start_at == time_of(HOUR // 24 * 24)
    np.testing.assert_array_equal(daily.counts.sum(axis=0), WHOLE_LATENCY["front"].counts.sum(axis=0))


def test_under_an_incident_the_service_and_its_callers_are_slow_together():
    services = (
        SimulatedService("front", arrivals_per_hour=20_000, incidents_per_day=0.0, latency_median_seconds=0.02),
        SimulatedService("db", incidents_per_day=1 / 5, severity_median=0.5, latency_median_seconds=0.03),
    )
    parameters = Parameters(zone_incident_every_days=1e9, platform_incident_every_days=1e9)
    organisation = Organisation(SimulatedTopology(services, (SimulatedCall("front", "db"),)), parameters, seed=2)
    panel = availability(organisation, HOUR, HOUR + WEEKS)
    slow = {
        name: history.counts[:, 6:].sum(axis=1) / history.counts.sum(axis=1)  # above 0.1 s
        for name, history in latency_hours(organisation, HOUR, HOUR + WEEKS).items()
    }
    incident = panel.bad[1] / panel.total[1] > 0.2

    assert 0 < incident.sum() < WEEKS
    for share in slow.values():
        assert np.median(share[incident]) > 4 * np.median(share[~incident])


def test_busy_hours_have_longer_queues():
    organisation = Organisation(chain("a", arrivals_per_hour=50_000), Parameters(daily_swing=0.8, utilisation=0.5))
    counts = latency_hours(organisation, HOUR, HOUR + WEEKS)["a"].counts
    total = counts.sum(axis=1)
    slow = counts[:, 4:].sum(axis=1) / total

    assert slow[total > np.quantile(total, 0.8)].mean() > 2 * slow[total < np.quantile(total, 0.2)].mean()


def test_a_quarter_of_fifty_services_takes_under_two_seconds():
    rng = np.random.default_rng(1)
    services = tuple(SimulatedService(f"s{i}", 5000.0 if i < 5 else 0.0, "abc"[i % 3]) for i in range(50))
    pairs = {(int(i), int(j)) for i in range(49) for j in rng.integers(i + 1, 50, size=3)}
    calls = tuple(SimulatedCall(f"s{i}", f"s{j}", 0.6) for i, j in sorted(pairs))
    organisation = Organisation(SimulatedTopology(services, calls), seed=9)

    spent, _ = processor_seconds(lambda: availability(organisation, HOUR, HOUR + 90 * 24), 2)

    assert spent < 2


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ((SimulatedCall("a", "x"),), "two services"),
        ((SimulatedCall("a", "a"),), "two services"),
        ((SimulatedCall("a", "b"), SimulatedCall("a", "b")), "stands twice"),
        ((SimulatedCall("a", "b", 0.0),), "above 0"),
        ((SimulatedCall("a", "b", 1.0, 1.5),), "within"),
        ((SimulatedCall("a", "b", group="g", required=2),), "group 'g' of a"),
    ],
)
def test_a_topology_that_cannot_be_is_refused(calls, message):
    with pytest.raises(ValueError, match=message):
        SimulatedTopology((SimulatedService("a"), SimulatedService("b")), calls)
