"""Drawn organisations, what happened in them, and what their exporters say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.chronicle import incidents, shifts
from sloengine.domain.simulation.course import Course, Incident
from sloengine.domain.simulation.drawn import DrawnOrganisation, draw_organisation
from sloengine.domain.simulation.exposition import expositions
from sloengine.domain.simulation.habits import Stretch, with_coming_deployments, with_service_habits
from sloengine.domain.simulation.latency import OTEL_BOUNDS_SECONDS
from sloengine.domain.simulation.lived import lived
from sloengine.domain.simulation.organisation import Organisation, availability, latency_hours
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of
from sloengine.domain.simulation.topology import Shift, SimulatedService, SimulatedTopology, chain
from sloengine.domain.simulation.truth import truth
from sloengine.domain.simulation.windows import coming_windows, future_draws, window_draws
from sloengine.domain.topology.validation import check_rows

HOUR = 490_056  # starts a block
STRETCH = Stretch(HOUR, HOUR + 2 * BLOCK_HOURS)
WITHIN = STRETCH.from_hour, STRETCH.to_hour


def drawn(services: int, seed: int = 7, *, flawed: bool = False, **words) -> DrawnOrganisation:
    chosen = {"faults": Faults.FREQUENT, "shared": Shared.ALL} | words
    timeouts = chosen["faults"] is not Faults.NONE
    return draw_organisation(services, parameters_of(**chosen), seed, STRETCH, flawed=flawed, timeouts=timeouts)


@settings(max_examples=25, deadline=None)
@given(services=st.integers(1, 70), seed=st.integers(0, 1000))
def test_any_size_makes_an_organisation_in_which_everybody_is_asked_something(services, seed):
    made = drawn(services, seed)
    topology = made.organisation.topology
    rows = check_rows(made.document["services"], made.document["dependencies"])

    assert len(topology.services) == services
    assert not rows.rejected
    assert [(call.caller, call.dependency) for call in topology.calls] == [
        (row.caller, row.dependency) for row in rows.dependencies
    ]
    assert all(service.arrivals_per_hour or topology.calls_by_dependency.get(service.service_id)
               for service in topology.services)  # fmt: skip
    assert bool(topology.callbacks) == (services >= 12)  # then there is a cycle
    assert made == drawn(services, seed)


def test_it_has_what_organisations_have():
    topology = drawn(60).organisation.topology

    calls = topology.calls
    assert {call.attempts for call in calls} == {1, 2, 3}
    assert any(call.cache_hit_ratio for call in calls)
    assert any(call.timeout_seconds for call in calls)
    assert any(call.group for call in calls)
    assert any(not call.waits for call in calls)
    assert {service.zone for service in topology.services} >= {"a", "b", "c"}
    assert any(service.shifts for service in topology.services)
    assert sum(not service.monitored for service in topology.services) >= 2
    callers = sorted(len(rows) for rows in topology.calls_by_dependency.values())
    assert callers[-1] >= 3 * np.median(callers)  # a hub


def test_timeouts_are_met_in_faults_and_rush_hours_only():
    organisation = drawn(60).organisation

    found = lived(organisation, *WITHIN)

    timed = [row for row, call in enumerate(organisation.topology.calls) if call.timeout_seconds]
    share = found.timeouts[timed] / found.calls[timed]
    assert found.timeouts.sum() > 0
    assert np.median(share) < 1e-3


def test_no_faults_means_no_failure_at_all_and_frequent_ones_many():
    counts = [
        lived(drawn(30, faults=faults, shared=shared).organisation, *WITHIN).failed_requests.sum()
        for faults, shared in (
            (Faults.NONE, Shared.NONE),
            (Faults.RARE, Shared.NONE),
            (Faults.FREQUENT, Shared.NONE),
        )
    ]

    assert counts[0] == 0
    assert 0 < counts[1] < counts[2]


def test_the_chronicle_lists_every_incident_with_everyone_it_hit():
    organisation = drawn(40).organisation
    zone_of = {service.service_id: service.zone for service in organisation.topology.services}
    listed = incidents(organisation, *WITHIN)

    assert [one.incident.starts_at_hour for one in listed] == sorted(one.incident.starts_at_hour for one in listed)
    own = [one for one in listed if one.place in zone_of]
    shared = [one for one in listed if one.place.startswith("zone ")]
    assert len(own) > 20
    assert all(one.services == (one.place,) for one in own)
    assert shared
    for one in shared:
        assert {zone_of[name] for name in one.services} == {one.place.removeprefix("zone ")}
    assert max(len(one.services) for one in shared) > 3
    quiet = replace(organisation.parameters, base_failure_median=0.0)
    alone = SimulatedTopology(
        tuple(replace(service, arrivals_per_hour=1e5) for service in organisation.topology.services), ()
    )
    panel = availability(Organisation(alone, quiet, organisation.seed), *WITHIN)
    for row, name in enumerate(panel.service_ids):
        listed_hours = np.zeros(panel.total.shape[1], dtype=bool)
        for one in listed:
            if name in one.services:
                first, last = (one.incident.starts_at_hour - HOUR, one.incident.ends_at_hour - HOUR)
                listed_hours[max(0, int(first)) : int(np.ceil(last))] = True
        assert not panel.bad[row][~listed_hours].any(), name


def test_shifts_are_listed_by_time_and_do_not_pile_up():
    service = SimulatedService(
        "a",
        arrivals_per_hour=1e6,
        incidents_per_day=0.0,
        base_failure_ratio=1e-3,
        latency_median_seconds=0.1,
        shifts=(
            Shift(HOUR + 200, base_failure_factor=2, latency_factor=3),
            Shift(HOUR + 100, base_failure_factor=10),
        ),
    )
    quiet = Parameters(
        base_noise=0.0,
        daily_swing=0.0,
        weekend_factor=1.0,
        zone_incident_every_days=1e9,
        platform_incident_every_days=1e9,
    )
    organisation = Organisation(SimulatedTopology((service,), ()), quiet, seed=1)

    panel = availability(organisation, HOUR, HOUR + 300)
    histograms = latency_hours(organisation, HOUR, HOUR + 300)["a"].counts

    ratios = [panel.bad[0, part].sum() / panel.total[0, part].sum() for part in
              (slice(0, 100), slice(100, 200), slice(200, 300))]  # fmt: skip
    assert ratios == pytest.approx([1e-3, 1e-2, 2e-3], rel=0.05)
    assert [at for _, shift in shifts(organisation) for at in (shift.at_hour,)] == [HOUR + 100, HOUR + 200]
    within_100_ms = histograms[:, :6].sum(axis=1) / histograms.sum(axis=1)
    assert within_100_ms[:200].min() > 0.3
    assert within_100_ms[200:].max() < 0.05
    stated = [truth(organisation, HOUR + hour, 5000).availability_ratio["a"] for hour in (0, 150, 250)]
    assert stated == pytest.approx([1 - 1e-3, 1 - 1e-2, 1 - 2e-3], rel=1e-6)


def test_the_true_percentiles_lie_in_the_bucket_where_the_histogram_has_them():
    organisation = drawn(20, faults=Faults.RARE).organisation
    found = lived(organisation, *WITHIN)
    histograms = latency_hours(organisation, *WITHIN)

    for place, service in enumerate(organisation.topology.services):
        if service.service_id not in histograms or found.requests[place] < 50_000:
            continue
        cumulative = histograms[service.service_id].counts.sum(axis=0).cumsum()
        shares = cumulative / cumulative[-1]
        for column, percentile in enumerate((0.5, 0.95, 0.99)):
            true = found.latency_seconds[place, column]
            bucket = int(np.searchsorted(OTEL_BOUNDS_SECONDS, true))
            below = shares[bucket - 1] if bucket else 0.0
            assert below - 0.003 <= percentile <= shares[bucket] + 0.003


def test_a_coming_window_is_what_telemetry_will_say_of_it():
    organisation = drawn(15).organisation

    coming = coming_windows(organisation, HOUR, (3, 7)).availability_ratio

    panel = availability(organisation, HOUR, HOUR + 7 * 24)
    for days in (3, 7):
        for place, service in enumerate(organisation.topology.services):
            if service.monitored:
                row = panel.rows[service.service_id]
                good, total = panel.good[row, : 24 * days].sum(), panel.total[row, : 24 * days].sum()
                assert coming[days][place] == pytest.approx(good / total if total else np.nan, nan_ok=True)


def test_windows_of_other_histories_average_to_the_long_run():
    # Short tails: else three hundred windows without the longest incidents have a mean and a spread too small.
    parameters = Parameters(
        incident_every_days=3,
        zone_incident_every_days=1e9,
        platform_incident_every_days=1e9,
        length_spread=0.8,
        incident_severity_spread=0.5,
    )
    organisation = Organisation(chain("a", "b"), parameters, seed=4)

    windows = window_draws(organisation, HOUR, 7, 300)

    assert windows.shape == (2, 300)
    stated = truth(organisation, HOUR).availability_ratio["a"]
    assert windows[0].std() > 0.002
    assert abs(windows[0].mean() - stated) < 4 * windows[0].std() / np.sqrt(300)


def test_another_future_has_the_same_past_and_other_incidents():
    parameters = replace(parameters_of(Faults.FREQUENT, Shared.ALL), length_median_hours=30.0)
    made = Organisation(chain("a", "b", "c", "d"), parameters, seed=7)
    turn = HOUR + BLOCK_HOURS

    other = made.with_other_future(turn, 99, made.topology)

    before, after = (availability(one, HOUR, turn) for one in (made, other))
    assert np.array_equal(before.good, after.good, equal_nan=True)
    first, second = (incidents(one, turn, turn + BLOCK_HOURS) for one in (made, other))
    under_way = [
        [one.incident for one in found if one.incident.starts_at_hour < turn] for found in (first, second)
    ]
    assert under_way[0]
    assert [one.starts_at_hour for one in under_way[0]] == [one.starts_at_hour for one in under_way[1]]
    assert under_way[0] != under_way[1]  # they last as long as the other future has them last
    coming = [
        {one.incident for one in found} - set(under_way[place]) for place, found in enumerate((first, second))
    ]
    assert coming[0]
    assert coming[1]
    assert not coming[0] & coming[1]
    with pytest.raises(ValueError, match="no other future"):
        other.with_other_future(turn, 98, made.topology)


def test_what_has_lasted_long_goes_on_as_incidents_do_that_have_lasted_so_long():
    parameters = Parameters(length_median_hours=1.0, length_spread=1.0)
    under_way = Incident(BLOCK_HOURS - 5.0, BLOCK_HOURS + 1.0, 0.5)
    over = Incident(BLOCK_HOURS - 5.0, BLOCK_HOURS - 1.0, 0.5)

    lengths = []
    for seed in range(4_000):
        ended, going_on = Course(1, (BLOCK_HOURS, seed)).going_on([over, under_way], "a", parameters)
        assert ended == over
        lengths.append(going_on.ends_at_hour - going_on.starts_at_hour)

    rng = np.random.default_rng(0)
    all_lengths = np.exp(rng.standard_normal(400_000))
    expected = all_lengths[all_lengths > 5]
    assert min(lengths) >= 5
    for level in (0.25, 0.5, 0.9):
        assert np.quantile(lengths, level) == pytest.approx(np.quantile(expected, level), rel=0.06)


def test_deployments_to_come_are_as_frequent_as_the_organisation_s_own():
    services = [SimulatedService(f"s{i}") for i in range(3_000)]
    first = with_service_habits(services, 1, STRETCH)

    redrawn = with_coming_deployments(first, 2, STRETCH)

    ends = STRETCH.to_hour
    for one, other in zip(first, redrawn, strict=True):
        past = [shift for shift in one.shifts if shift.at_hour < ends]
        assert [shift for shift in other.shifts if shift.at_hour < ends] == past
        assert not past or other.shifts == tuple(past)
    was, now = (sum(any(s.at_hour >= ends for s in one.shifts) for one in drawn) for drawn in (first, redrawn))
    assert abs(was - now) < 4 * np.sqrt(2 * was)
    both = sum(one.shifts == other.shifts != () and one.shifts[0].at_hour >= ends
               for one, other in zip(first, redrawn, strict=True))  # fmt: skip
    assert both < was / 4


def test_futures_are_draws_of_the_window_given_the_past():
    parameters = Parameters(
        incident_every_days=1e9,
        zone_incident_every_days=1e9,
        platform_incident_every_days=1e9,
        base_failure_spread=0.0,
        base_failure_median=0.01,
    )
    organisation = Organisation(chain("a", "b"), parameters, seed=4)

    futures = future_draws(organisation, STRETCH, 7, 40)

    assert futures.shape == (2, 40)
    assert len(np.unique(futures[0])) == 40
    # Two services in a row that fail one in a hundred requests each.
    assert futures[0].mean() == pytest.approx(0.99**2, abs=4 * futures[0].std() / np.sqrt(40))


def test_flawed_exporters_show_each_flaw():
    made = drawn(70, flawed=True).organisation
    clean = Organisation(
        SimulatedTopology(
            tuple(
                replace(service, missing_ratio=0.0, nan_ratio=0.0, success_always_zero=False)
                for service in made.topology.services
            ),
            made.topology.calls,
        ),
        made.parameters,
        made.seed,
    )
    services = {service.service_id: service for service in made.topology.services}
    panel = availability(made, *WITHIN)
    truthful = availability(clean, *WITHIN)
    flaws = (
        "missing_ratio",
        "nan_ratio",
        "restarts_per_day",
        "success_always_zero",
        "has_histogram",
        "born_at_hour",
    )
    usual = SimulatedService("x")
    has = {
        flaw: [name for name, service in services.items() if getattr(service, flaw) != getattr(usual, flaw)]
        for flaw in flaws
    }

    assert all(len(names) >= 2 for names in has.values())
    assert sum(map(len, has.values())) == len({name for names in has.values() for name in names})
    exposed = {one.service_id: one for one in next(iter(expositions(made, *WITHIN))).services}
    for name in has["missing_ratio"]:
        row = panel.rows[name]
        known = ~np.isnan(panel.total[row])
        np.testing.assert_array_equal(panel.total[row][known], truthful.total[row][known])
    assert any(np.isnan(panel.total[panel.rows[name]]).any() for name in has["missing_ratio"])
    assert any(
        (np.isnan(panel.good[panel.rows[name]]) & ~np.isnan(panel.total[panel.rows[name]])).any()
        for name in has["nan_ratio"]
    )
    assert any(exposed[name].restarts.any() for name in has["restarts_per_day"])
    assert all((panel.good[panel.rows[name]] == 0).all() for name in has["success_always_zero"])
    assert not set(has["has_histogram"]) & set(latency_hours(made, HOUR, HOUR + 24))


def test_exporters_count_every_request_once_by_latency_and_outcome():
    organisation = drawn(20).organisation
    panel = availability(organisation, *WITHIN)
    histograms = latency_hours(organisation, *WITHIN)

    weeks = list(expositions(organisation, *WITHIN))

    assert [week.first_hour for week in weeks] == [HOUR, HOUR + BLOCK_HOURS]
    for place in range(len(panel.service_ids)):
        parts = [week.services[place] for week in weeks]
        good, failed = (
            np.concatenate([getattr(part, kind) for part in parts], axis=1) for kind in ("good", "failed")
        )
        name = parts[0].service_id
        np.testing.assert_array_equal(good.sum(axis=0), panel.good[panel.rows[name]])
        np.testing.assert_array_equal(failed.sum(axis=0), panel.bad[panel.rows[name]])
        np.testing.assert_array_equal((good + failed).T, histograms[name].counts)
