"""Do two dependencies fail together? Counted, against closed forms and against what was played otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.chronicle import incidents
from sloengine.domain.simulation.lived import lived
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.pairs import left_out
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology

HOUR = 490_056  # starts a block
OUTAGES = Parameters(
    slots_per_hour=12,
    base_failure_median=0.0,
    daily_swing=0.0,
    weekend_factor=1.0,
    incident_every_days=float("inf"),
    platform_incident_every_days=float("inf"),
    zone_incident_every_days=4.0,
    zone_hit_share=1.0,
    shared_severity_median=1e9,
    length_median_hours=10.0,
    length_spread=0.3,
)


def fan(*zones: str, group: str | None = None) -> SimulatedTopology:
    """A front in a zone of its own that calls one service in each of these zones."""
    services = tuple(SimulatedService(f"d{place}", zone=zone) for place, zone in enumerate(zones))
    calls = tuple(SimulatedCall("front", service.service_id, group=group) for service in services)
    return SimulatedTopology((SimulatedService("front", 3_000, "elsewhere"), *services), calls)


def test_a_pair_in_one_zone_fails_together_for_as_long_as_its_zone_is_out():
    span = HOUR, HOUR + 12 * BLOCK_HOURS
    organisation = Organisation(fan("a", "a", "b"), OUTAGES, 4)

    together, apart, _ = lived(organisation, *span).pairs

    # Every outage of a zone fails everything in it: the share of the time is the share of the calls.
    out = {zone: np.zeros(12 * BLOCK_HOURS * 3600, dtype=bool) for zone in "ab"}
    for found in incidents(organisation, *span):
        zone = found.place.removeprefix("zone ")
        if zone in out:
            first, last = (
                (at - HOUR) * 3600 for at in (found.incident.starts_at_hour, found.incident.ends_at_hour)
            )
            out[zone][max(0, int(first)) : int(last)] = True
    assert out["a"].mean() > 0.02
    assert together.first_ratio == pytest.approx(out["a"].mean(), rel=0.02)
    assert together.second_ratio == pytest.approx(out["a"].mean(), rel=0.02)
    assert together.both_ratio == pytest.approx(out["a"].mean(), rel=0.03)
    assert together.hit_by_both / together.hit_by_either > 0.95
    assert apart.second_ratio == pytest.approx(out["b"].mean(), rel=0.02)
    assert apart.both_ratio == pytest.approx((out["a"] & out["b"]).mean(), abs=0.002)


def test_a_pair_with_nothing_in_common_fails_together_as_often_as_the_product_says():
    services = fan("a", "b").services
    topology = SimulatedTopology(
        (
            services[0],
            *(replace(one, base_failure_ratio=0.02 * place) for place, one in enumerate(services[1:], 1)),
        ),
        fan("a", "b").calls,
    )
    parameters = replace(OUTAGES, zone_incident_every_days=float("inf"), base_noise=0.0)

    happened = lived(Organisation(topology, parameters, 4), HOUR, HOUR + BLOCK_HOURS)

    (pair,) = happened.pairs
    assert (pair.first_ratio, pair.second_ratio) == pytest.approx((0.02, 0.04), rel=0.02)
    requests = happened.requests[0]
    expected = 0.02 * 0.04
    # Counts of a slot are draws around the chances: products of independent ones are right on average.
    assert pair.both_ratio == pytest.approx(expected, abs=4 * np.sqrt(expected / requests))
    assert pair.hit_by_both == pytest.approx(expected * requests, rel=0.05)
    assert pair.hit_by_either == pytest.approx((0.06 - expected) * requests, rel=0.02)


def test_hit_by_either_are_the_requests_that_dependencies_reached():
    calls = (SimulatedCall("front", "d0", pass_through=0.7), SimulatedCall("front", "d1", pass_through=0.5))
    # No outage is total: of a slot in which a service fails everything itself, nobody knows what reached it.
    parameters = replace(
        OUTAGES,
        base_failure_median=2e-3,
        shared_severity_median=0.1,
        incident_severity_spread=0.3,
        outage_share=0.0,
        slots_per_hour=1,
    )
    organisation = Organisation(SimulatedTopology(fan("a", "a").services, calls), parameters, 9)

    happened = lived(organisation, HOUR, HOUR + 20 * BLOCK_HOURS)

    (pair,) = happened.pairs
    reached = happened.dependency_failures[0]
    assert pair.hit_by_both > 1_000
    # Which requests the second one strikes is drawn, in each slot, from all of them.
    assert pair.hit_by_either == pytest.approx(reached, abs=5 * np.sqrt(pair.hit_by_both))
    assert pair.hit_by_both + pair.hit_by_either == pytest.approx(happened.hits.sum())


def test_members_of_a_group_fail_together_without_hits_of_their_own():
    organisation = Organisation(fan("a", "a", group="cache"), OUTAGES, 4)

    (pair,) = lived(organisation, HOUR, HOUR + 12 * BLOCK_HOURS).pairs

    assert pair.both_ratio > 0.9 * pair.first_ratio > 0.01
    assert np.isnan(pair.hit_by_both)
    assert np.isnan(pair.hit_by_either)


def test_callers_of_very_many_are_left_out_by_name():
    many = fan(*("a" for _ in range(101)))

    assert left_out(many) == ["front"]
    assert lived(Organisation(many, OUTAGES, 1), HOUR, HOUR + 24).pairs == ()
    assert left_out(fan("a", "b")) == []
