"""How windows to come are distributed: against closed forms, and against windows played afresh."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import stats

from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.chronicle import incidents
from sloengine.domain.simulation.habits import Stretch, with_service_habits
from sloengine.domain.simulation.law import (
    PROMISES,
    carried,
    fewest_playings,
    highest_held,
    lowest_held,
    quantiles,
)
from sloengine.domain.simulation.organisation import Organisation, availability, latency_hours
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import Shift, SimulatedCall, SimulatedService, SimulatedTopology, chain
from sloengine.domain.simulation.windows import coming_windows, other_courses, other_futures, played_windows

HOUR = 490_056  # starts a block
WITHIN_A_WEEK = HOUR + BLOCK_HOURS + 53
STRETCH = Stretch(HOUR, WITHIN_A_WEEK)
QUIET = Parameters(
    daily_swing=0.0,
    weekend_factor=1.0,
    traffic_noise=0.0,
    base_noise=0.0,
    incident_every_days=float("inf"),
    zone_incident_every_days=float("inf"),
    platform_incident_every_days=float("inf"),
)
PLAYINGS = 200


def ways(organisation: Organisation, count: int):
    return {
        "courses": other_courses(organisation, count),
        "futures": other_futures(organisation, STRETCH, count, deployments=False),
    }


@pytest.mark.parametrize("way", ["courses", "futures"])
def test_windows_of_base_failures_alone_are_binomial(way):
    service = SimulatedService("a", arrivals_per_hour=1_000, base_failure_ratio=0.002)
    organisation = Organisation(SimulatedTopology((service,), ()), QUIET, seed=2)

    draws = played_windows(ways(organisation, PLAYINGS)[way], WITHIN_A_WEEK, [7]).availability_ratio[7][0]

    n = 7 * 24 * 1_000
    law = stats.binom(n, 0.002)
    failed = np.round((1 - draws) * n)
    assert abs(failed.mean() - law.mean()) < 4 * law.std() / np.sqrt(PLAYINGS)
    assert stats.kstest(failed + np.random.default_rng(0).uniform(-0.5, 0.5, PLAYINGS), stats.norm(
        law.mean(), law.std()).cdf).pvalue > 1e-3  # fmt: skip
    for probability in PROMISES.values():
        target = highest_held(draws, probability)
        place = carried(PLAYINGS, probability)
        assert target is not None
        assert place is not None
        held = law.cdf(np.floor((1 - target) * n))
        low, high = stats.beta(PLAYINGS + 1 - place.rank, place.rank).ppf([5e-4, 1 - 5e-4])
        assert low < held < high
        assert place.hold_ratio >= probability


def test_latency_of_a_queue_under_even_load_has_the_percentiles_of_its_waiting_time():
    slow, utilisation, median = 0.5, 0.6, 0.02
    service = SimulatedService(
        "a", 2e6, base_failure_ratio=0.0, latency_median_seconds=median, utilisation=utilisation
    )
    parameters = Parameters(**{**QUIET.__dict__, "slow_share": slow, "latency_request_spread": 0.01})
    organisation = Organisation(SimulatedTopology((service,), ()), parameters, seed=2)

    found = played_windows(other_courses(organisation, 3), HOUR, [7], 7).latency_seconds

    waiting = median * 2 / (1 - utilisation)  # mean; exponential, after the median that everybody takes
    assert found is not None
    assert found.shape == (1, 2, 3)
    for column, share in enumerate((0.95, 0.99)):
        expected = median + waiting * np.log(slow / (1 - share))
        np.testing.assert_allclose(found[0, column], expected, rtol=0.003)


def test_what_is_said_to_hold_holds_in_windows_played_afresh():
    services = tuple(
        SimulatedService(f"s{number}", 20_000, base_failure_ratio=1e-3, incidents_per_day=0.5)
        for number in range(20)
    )
    parameters = Parameters(**{**QUIET.__dict__, "base_noise": 0.5, "traffic_noise": 0.05, "daily_swing": 0.5})
    organisation = Organisation(SimulatedTopology(services, ()), parameters, seed=11)
    known, fresh = 50, 40
    courses = other_courses(organisation, known + fresh)

    told, came = (played_windows(islice(courses, count), HOUR, [7], 7) for count in (known, fresh))

    for probability in PROMISES.values():
        place = carried(known, probability)
        assert place is not None
        p = place.hold_ratio
        # Twenty services apart: the spread of the promise, and of the windows that judge it.
        error = np.sqrt(p * (1 - p) * (1 / fresh + 1 / (known + 2)) / len(services))
        held = [
            (came.availability_ratio[7][row] >= highest_held(told.availability_ratio[7][row], probability)).mean()
            for row in range(len(services))
        ]
        assert abs(np.mean(held) - p) < 4 * error
        assert told.latency_seconds is not None
        assert came.latency_seconds is not None
        for column in range(2):
            kept = [
                (
                    came.latency_seconds[row, column]
                    <= lowest_held(told.latency_seconds[row, column], probability)
                ).mean()
                for row in range(len(services))
            ]
            assert abs(np.mean(kept) - p) < 4 * error


def test_windows_of_several_lengths_and_latency_are_those_of_telemetry():
    organisation = Organisation(chain("a", "b"), Parameters(incident_every_days=3), seed=5)

    windows = coming_windows(organisation, WITHIN_A_WEEK, (2, 9), 2)

    for days in (2, 9):
        panel = availability(organisation, WITHIN_A_WEEK, WITHIN_A_WEEK + 24 * days)
        np.testing.assert_allclose(
            windows.availability_ratio[days], panel.good.sum(axis=1) / panel.total.sum(axis=1)
        )
    assert windows.latency_seconds is not None
    for row, history in enumerate(latency_hours(organisation, WITHIN_A_WEEK, WITHIN_A_WEEK + 48).values()):
        below = history.counts.sum(axis=0).cumsum() / history.counts.sum()
        for column, share in enumerate((0.95, 0.99)):
            bucket = int(np.searchsorted(history.bounds_seconds, windows.latency_seconds[row, column]))
            assert (below[bucket - 1] if bucket else 0.0) - 0.003 <= share <= below[bucket] + 0.003
    with pytest.raises(ValueError, match="needs a window as long"):
        coming_windows(organisation, HOUR, (7,), 28)


@pytest.mark.parametrize("slots_per_hour", [1, 12])
def test_futures_from_within_a_week_have_the_very_same_past(slots_per_hour):
    parameters = Parameters(
        slots_per_hour=slots_per_hour, incident_every_days=2, length_median_hours=30.0, zone_incident_every_days=4
    )
    organisation = Organisation(chain("a", "b", "c"), parameters, seed=7)
    span = HOUR, HOUR + 3 * BLOCK_HOURS

    one, other = other_futures(organisation, STRETCH, 2)

    came, first, second = (availability(course, *span) for course in (organisation, one, other))
    turn = WITHIN_A_WEEK - HOUR
    for panel in (first, second):
        assert np.array_equal(panel.good[:, :turn], came.good[:, :turn])
        assert np.array_equal(panel.total[:, :turn], came.total[:, :turn])
        assert (panel.total[:, turn:] != came.total[:, turn:]).mean() > 0.9
    assert (first.total[:, turn:] != second.total[:, turn:]).mean() > 0.9
    begun = [
        {(found.place, found.incident.starts_at_hour, found.incident.severity)
         for found in incidents(course, *span) if found.incident.starts_at_hour < WITHIN_A_WEEK}
        for course in (organisation, one, other)
    ]  # fmt: skip
    assert begun[0]
    assert begun[0] == begun[1] == begun[2]
    with pytest.raises(ValueError, match="two seeds"):
        latency_hours(one, *span)


def test_a_deployment_to_come_does_not_change_what_went_wrong_before():
    calm = SimulatedService("a", 1_000, incidents_per_day=0.5)
    parameters = Parameters(**{**QUIET.__dict__, "length_median_hours": 20.0})
    organisation = Organisation(SimulatedTopology((calm,), ()), parameters, seed=3)
    deployed = SimulatedTopology(
        (SimulatedService("a", 1_000, incidents_per_day=0.5, shifts=(Shift(WITHIN_A_WEEK + 5, 5.0, 10.0, 1.5),)),),
        (),
    )

    for turn in (HOUR + BLOCK_HOURS, WITHIN_A_WEEK):
        future = organisation.with_other_future(turn, 99, deployed)
        span = turn - 2 * BLOCK_HOURS, turn

        begun = [
            [one.incident.starts_at_hour for one in incidents(course, *span)] for course in (organisation, future)
        ]
        assert begun[0]
        assert begun[0] == begun[1]
        before, after = (availability(course, *span) for course in (organisation, future))
        assert np.array_equal(before.good, after.good)


def test_what_so_many_playings_tell_and_what_not():
    draws = np.append(np.random.default_rng(1).permutation(np.arange(1.0, 50.0)), np.nan)  # 49 known

    assert [fewest_playings(probability) for probability in PROMISES.values()] == [49, 12, 4]
    assert highest_held(draws, 0.98) == 1.0
    assert highest_held(draws, 0.92) == 4.0
    assert lowest_held(draws, 0.92) == 46.0
    assert highest_held(draws[draws != 7.0], 0.98) is None  # 48 known
    assert quantiles(draws, (0.02, 0.5, 0.98)) == pytest.approx([1.0, 25.0, 49.0])
    assert quantiles(draws, (0.01, 0.99)) == [None, None]
    assert quantiles(np.array([np.nan])) == [None] * 7


def test_promises_are_asked_for_as_often_as_the_tiers_are():
    assert {tier.name: p for tier, p in EngineSettings().nominal_probability.items()} == PROMISES


def test_a_service_that_nobody_asks_has_no_window():
    topology = SimulatedTopology(
        (SimulatedService("a", 100.0), SimulatedService("alone")), (SimulatedCall("a", "b"),)[:0]
    )
    organisation = Organisation(topology, QUIET, seed=1)

    windows = played_windows(other_courses(organisation, 2), HOUR, [7], 7)

    assert np.isnan(windows.availability_ratio[7][1]).all()
    assert windows.latency_seconds is not None
    assert np.isnan(windows.latency_seconds[1]).all()
    assert not np.isnan(windows.latency_seconds[0]).any()


def test_what_comes_is_like_its_futures():
    """Among nine futures and what really came, each place is as likely, whatever was under way."""
    drawn = [
        SimulatedService(f"s{number}", 5_000, base_failure_ratio=1e-3, incidents_per_day=0.1)
        for number in range(300)
    ]
    services = with_service_habits(drawn, 21, STRETCH)
    parameters = Parameters(**{**QUIET.__dict__, "length_median_hours": 30.0, "base_noise": 0.5})
    organisation = Organisation(SimulatedTopology(tuple(services), ()), parameters, seed=21)
    ahead = WITHIN_A_WEEK, WITHIN_A_WEEK + 24 * 3
    assert sum(one.incident.starts_at_hour < ahead[0] for one in incidents(organisation, *ahead)) > 30

    futures = played_windows(other_futures(organisation, STRETCH, 9), ahead[0], [3], 3)
    came = coming_windows(organisation, ahead[0], [3], 3)

    assert futures.latency_seconds is not None
    assert came.latency_seconds is not None
    for real, others in (
        (came.availability_ratio[3], futures.availability_ratio[3]),
        *((came.latency_seconds[:, column], futures.latency_seconds[:, column]) for column in range(2)),
    ):
        places = np.bincount((others < real[:, None]).sum(axis=1), minlength=10)
        assert stats.chisquare(places).pvalue > 1e-3
