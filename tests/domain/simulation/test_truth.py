"""The stated truth against what the organisation then does, over centuries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.faults import own_incidents
from sloengine.domain.simulation.organisation import Organisation, availability
from sloengine.domain.simulation.outcome import fewer_than
from sloengine.domain.simulation.parameters import Parameters, draw_profiles
from sloengine.domain.simulation.topology import (
    Shift,
    SimulatedCall,
    SimulatedService,
    SimulatedTopology,
    chain,
)
from sloengine.domain.simulation.truth import mean_of_capped_lognormal, truth

HOUR = 490_056  # starts a block
BUSY = Parameters(
    incident_every_days=4,
    zone_incident_every_days=12,
    platform_incident_every_days=30,
    length_spread=0.8,
    incident_rate_spread=0.3,
)


def diamond() -> SimulatedTopology:
    """A shared database, a soft call, several calls, a group and a cycle."""
    services = tuple(
        SimulatedService(name, arrivals_per_hour=2000 if name == "front" else 0, zone=zone)
        for name, zone in (("front", "a"), ("left", "a"), ("right", "b"), ("db", "b"), ("m1", "a"), ("m2", "b"))
    )
    calls = (
        SimulatedCall("front", "left"),
        SimulatedCall("front", "right", 0.5, 0.3),
        SimulatedCall("left", "db", 2.0),
        SimulatedCall("right", "db"),
        SimulatedCall("db", "left", 0.2),
        SimulatedCall("right", "m1", group="cache"),
        SimulatedCall("right", "m2", group="cache"),
    )
    return SimulatedTopology(services, calls)


def impatient() -> SimulatedTopology:
    """Further attempts upon further attempts, a cache, and a timeout that rush hours and incidents meet."""
    services = tuple(
        SimulatedService(name, 2000 if name == "front" else 0, zone, latency_median_seconds=0.02)
        for name, zone in (("front", "a"), ("left", "a"), ("db", "b"))
    )
    calls = (
        SimulatedCall("front", "left", attempts=3, sticky_ratio=0.3),
        SimulatedCall("front", "db", 2.0, 0.5, attempts=2),
        SimulatedCall("left", "db", cache_hit_ratio=0.5, timeout_seconds=0.5, attempts=2),
    )
    return SimulatedTopology(services, calls)


@pytest.mark.parametrize(
    "topology", [chain("a", "b", "c"), diamond(), impatient()], ids=["chain", "diamond", "impatient"]
)
def test_the_stated_availability_is_what_decades_of_telemetry_average_to(topology):
    organisation = Organisation(topology, BUSY, seed=3)
    stated = truth(organisation, HOUR)
    years = 12

    decade = [
        availability(organisation.with_other_history(history), HOUR, HOUR + 52 * BLOCK_HOURS)
        for history in range(years)
    ]

    bad = np.array([panel.bad.sum(axis=1) for panel in decade])
    total = np.array([panel.total.sum(axis=1) for panel in decade])
    for row, service_id in enumerate(decade[0].service_ids):
        simulated = bad[:, row].sum() / total[:, row].sum()
        error = (bad[:, row] / total[:, row]).std(ddof=1) / np.sqrt(years)
        expected = 1 - stated.availability_ratio[service_id]
        assert stated.standard_error[service_id] < 0.03 * expected
        assert abs(simulated - expected) < 3.5 * np.hypot(error, stated.standard_error[service_id]), service_id
        assert error < 0.2 * expected  # else the comparison would say nothing


def test_intrinsic_availability_is_what_a_service_without_dependencies_has():
    topology = SimulatedTopology((SimulatedService("a", arrivals_per_hour=5000, incidents_per_day=0.3),), ())
    organisation = Organisation(topology, BUSY, seed=8)
    stated = truth(organisation, HOUR)

    assert stated.intrinsic_availability_ratio["a"] == pytest.approx(
        stated.availability_ratio["a"], abs=4 * stated.standard_error["a"]
    )
    panel = availability(organisation, HOUR, HOUR + 600 * BLOCK_HOURS)
    assert panel.bad.sum() / panel.total.sum() == pytest.approx(1 - stated.availability_ratio["a"], rel=0.15)


def test_a_better_dependency_and_a_softer_edge_each_raise_the_truth():
    hard, soft = chain("a", "b"), chain("a", "b")
    soft = SimulatedTopology(soft.services, (SimulatedCall("a", "b", 1.0, 0.1),))
    ratios = [truth(Organisation(t, BUSY, 1), HOUR, 20_000).availability_ratio["a"] for t in (hard, soft)]

    assert ratios[0] < ratios[1]
    assert truth(Organisation(soft, BUSY, 1), HOUR, 5000).pass_through == {("a", "b"): 0.1}


def test_incidents_have_the_stated_rate_and_heavy_tails():
    profile = draw_profiles(
        SimulatedTopology((SimulatedService("a", incidents_per_day=0.5, severity_median=0.1),), ()),
        Parameters(),
        1,
    )["a"]

    incidents = [i for number in range(2000) for i in own_incidents(profile, Parameters(), 1, number)]

    lengths = np.array([incident.ends_at_hour - incident.starts_at_hour for incident in incidents])
    severities = np.array([incident.severity for incident in incidents])
    assert len(incidents) == pytest.approx(7000, rel=0.05)
    assert np.median(lengths) == pytest.approx(0.8, rel=0.1)
    assert lengths[lengths > np.quantile(lengths, 0.9)].sum() > 0.5 * lengths.sum()
    assert (severities == 1).mean() == pytest.approx(0.1, abs=0.03)
    assert lengths.mean() == pytest.approx(mean_of_capped_lognormal(0.8, 1.5, 336), rel=0.15)


def test_a_deployment_shifts_behaviour_from_its_hour_on():
    shift = Shift(HOUR, incident_factor=5, base_failure_factor=10)
    service = SimulatedService(
        "a", arrivals_per_hour=1e5, incidents_per_day=0.1, base_failure_ratio=1e-4, shifts=(shift,)
    )
    organisation = Organisation(SimulatedTopology((service,), ()), Parameters(), seed=6)
    weeks = 150

    before, after = (
        availability(organisation, start, start + weeks * BLOCK_HOURS)
        for start in (HOUR - weeks * BLOCK_HOURS, HOUR)
    )
    counts = [
        sum(len(own_incidents(organisation.profiles["a"], Parameters(), 6, HOUR // BLOCK_HOURS + k)) for k in span)
        for span in (range(-weeks, 0), range(weeks))
    ]

    assert np.median(after.bad / after.total) / np.median(before.bad / before.total) == pytest.approx(10, rel=0.2)
    assert counts[1] / counts[0] == pytest.approx(5, rel=0.35)
    assert (
        truth(organisation, HOUR - 1).availability_ratio["a"] > truth(organisation, HOUR).availability_ratio["a"]
    )


@pytest.mark.parametrize(("required", "members"), [(1, 2), (2, 3), (3, 3), (2, 5)])
def test_k_of_n_matches_counting_all_combinations(required, members):
    up = np.random.default_rng(members).random(members)

    by_hand = sum(
        np.prod(np.where(states, up, 1 - up))
        for states in itertools.product([True, False], repeat=members)
        if sum(states) < required
    )

    assert fewer_than(required, up[:, None])[0] == pytest.approx(by_hand)
