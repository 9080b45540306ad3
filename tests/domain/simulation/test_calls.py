"""Retries, timeouts, caches and chains: closed forms, books that balance, and requests played one by one."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.latency import mean_seconds, share_within
from sloengine.domain.simulation.lived import Lived, lived
from sloengine.domain.simulation.organisation import Organisation, availability, edges
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import (
    SimulatedCall,
    SimulatedService,
    SimulatedTopology,
    chain,
)
from sloengine.domain.simulation.truth import truth

from .single_requests import OneByOne

HOUR = 490_056  # starts a block
STEADY = Parameters(
    base_noise=0.0,
    daily_swing=0.0,
    weekend_factor=1.0,
    traffic_noise=0.0,
    incident_every_days=math.inf,
    zone_incident_every_days=math.inf,
    platform_incident_every_days=math.inf,
)


def steady(*calls: SimulatedCall, fails: dict[str, float], arrivals: float = 20_000) -> Organisation:
    """Services that fail at a constant rate; requests arrive at the first one."""
    services = tuple(
        SimulatedService(
            name,
            arrivals_per_hour=arrivals if place == 0 else 0.0,
            base_failure_ratio=share,
            latency_median_seconds=0.02,
        )
        for place, (name, share) in enumerate(fails.items())
    )
    return Organisation(SimulatedTopology(services, calls), STEADY, seed=4)


def ratios(organisation: Organisation, weeks: int = 2) -> tuple[Lived, list[float]]:
    found = lived(organisation, HOUR, HOUR + weeks * BLOCK_HOURS)
    return found, (found.failed_requests / found.requests).tolist()


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_a_chain_fails_with_one_minus_the_product(length):
    names = [f"s{number}" for number in range(length)]
    organisation = steady(*(SimulatedCall(a, b) for a, b in pairwise(names)), fails=dict.fromkeys(names, 0.01))

    _, failing = ratios(organisation)

    assert failing[0] == pytest.approx(1 - 0.99**length, rel=0.01)
    assert truth(organisation, HOUR, 5000).availability_ratio["s0"] == pytest.approx(0.99**length, rel=1e-6)


def test_what_dependencies_withhold_together_is_told_whatever_the_service_fails_by_itself():
    organisation = steady(
        SimulatedCall("s", "a"),
        SimulatedCall("s", "b", pass_through=0.5),
        fails={"s": 0.4, "a": 0.05, "b": 0.2},
    )

    found, _ = ratios(organisation)

    reached = found.dependency_failures / found.requests
    np.testing.assert_allclose(reached, [1 - 0.95 * 0.9, 0, 0], rtol=0.01)


@pytest.mark.parametrize(("attempts", "sticky"), [(1, 0.0), (2, 0.0), (3, 0.0), (4, 0.0), (3, 0.4), (2, 1.0)])
def test_further_attempts_mend_what_is_not_sticky_and_load_the_dependency(attempts, sticky):
    p = 0.3
    call = SimulatedCall("a", "b", attempts=attempts, sticky_ratio=sticky)
    organisation = steady(call, fails={"a": 0.0, "b": p})

    found, failing = ratios(organisation)

    lost = p * (sticky + (1 - sticky) * p ** (attempts - 1))
    geometric = sum(p**tried for tried in range(attempts - 1))
    made = 1 + p * (sticky * (attempts - 1) + (1 - sticky) * geometric)
    assert failing[0] == pytest.approx(lost, rel=0.02)
    assert truth(organisation, HOUR, 5000).availability_ratio["a"] == pytest.approx(1 - lost, rel=1e-9)
    assert found.calls[0] / found.requests[0] == pytest.approx(made, rel=0.005)
    assert found.requests[1] == found.calls[0]
    assert found.hits[0] == found.failed_requests[0]


def test_without_stickiness_k_attempts_fail_with_the_kth_power():
    _, failing = ratios(steady(SimulatedCall("a", "b", attempts=3), fails={"a": 0.0, "b": 0.2}))

    assert failing[0] == pytest.approx(0.2**3, rel=0.03)


def test_in_an_outage_every_request_is_tried_as_often_as_allowed_all_the_way_down():
    calls = (SimulatedCall("a", "b", attempts=3), SimulatedCall("b", "c", attempts=2))
    found, failing = ratios(steady(*calls, fails={"a": 0.0, "b": 0.0, "c": 1.0}))

    assert failing == [1.0, 1.0, 1.0]
    assert found.calls[0] == 3 * found.requests[0]
    assert found.calls[1] == 6 * found.requests[0]
    np.testing.assert_array_equal(found.requests[1:], found.calls)


@pytest.mark.parametrize("weight", [1.0, 0.4, 3.0])
def test_a_cache_answers_its_share_without_the_dependency(weight):
    hits, p = 0.75, 0.3
    organisation = steady(SimulatedCall("a", "b", weight, cache_hit_ratio=hits), fails={"a": 0.0, "b": p})

    found, failing = ratios(organisation)

    whole, part = divmod(weight, 1.0)
    reached = (1 - hits) * p
    assert found.calls[0] / found.requests[0] == pytest.approx(weight * (1 - hits), rel=0.01)
    assert failing[0] == pytest.approx(1 - (1 - reached) ** whole * (1 - part * reached), rel=0.01)


def test_a_slow_dependency_fails_its_caller_by_timeout_and_is_blameless_itself():
    organisation = steady(SimulatedCall("a", "b", timeout_seconds=0.1), fails={"a": 0.0, "b": 0.0}, arrivals=1e5)
    typical, load = np.array([0.02]), np.array([STEADY.utilisation])

    found, failing = ratios(organisation)

    slow = 1 - share_within(STEADY, typical, load, 0.1)[0]
    assert slow > 0.005
    assert failing == [pytest.approx(slow, rel=0.02), 0.0]
    assert found.timeouts[0] == found.failed_calls[0] == found.failed_requests[0]
    assert found.causes["a"] == {"a": 0.0, "b": pytest.approx(found.failed_requests[0])}
    assert truth(organisation, HOUR, 5000).availability_ratio["a"] == pytest.approx(1 - slow, rel=1e-3)


def test_who_waits_no_longer_than_the_timeout_is_not_made_slow_by_more():
    slow = {"a": 0.0, "b": 0.0}
    waiting, giving_up = (
        steady(SimulatedCall("a", "b", timeout_seconds=seconds), fails=slow) for seconds in (60.0, 0.01)
    )

    medians = [ratios(organisation, 1)[0].latency_seconds[0, 0] for organisation in (waiting, giving_up)]

    assert medians[0] == pytest.approx(0.04, rel=0.1)
    assert medians[1] == pytest.approx(0.03, rel=0.1)


def everything() -> SimulatedTopology:
    """A shared store, retries upon retries, a cache, a timeout, a group, part and several calls."""
    services = tuple(
        SimulatedService(
            name, 20_000 if name == "shop" else 0.0, base_failure_ratio=share, latency_median_seconds=0.02
        )
        for name, share in FAILS.items()
    )
    return SimulatedTopology(
        services,
        (
            SimulatedCall("shop", "cart", attempts=2),
            SimulatedCall("shop", "search", 0.6, 0.5, attempts=3, sticky_ratio=0.3),
            SimulatedCall("cart", "db", 2.0, cache_hit_ratio=0.5, attempts=2),
            SimulatedCall("search", "db", 1.0, 0.8),
            SimulatedCall("search", "m1", group="m"),
            SimulatedCall("search", "m2", group="m"),
            SimulatedCall("cart", "rates", 1.0, 1.0, timeout_seconds=0.06, attempts=2),
        ),
    )  # fmt: skip


FAILS = {"shop": 0.01, "cart": 0.03, "search": 0.02, "db": 0.1, "m1": 0.2, "m2": 0.3, "rates": 0.05}


def test_counts_and_truth_agree_with_requests_played_one_by_one():
    topology = everything()
    organisation = Organisation(topology, STEADY, seed=9)
    lots = random.Random(1)

    def latency(_: str) -> float:
        if lots.random() < STEADY.slow_share:
            return 0.02 * (1 + lots.expovariate(1 / (2 / (1 - STEADY.utilisation))))
        return 0.02 * math.exp(STEADY.latency_request_spread * lots.gauss())

    one_by_one = OneByOne(topology, FAILS, latency, lots)
    requests = 40_000
    for _ in range(requests):
        one_by_one.request("shop")
    found, failing = ratios(organisation)
    stated = truth(organisation, HOUR, 5000)

    for place, name in enumerate(FAILS):
        alone = one_by_one.failed[name] / one_by_one.requests[name]
        error = math.sqrt(alone * (1 - alone) / one_by_one.requests[name])
        assert abs(failing[place] - alone) < 5 * error, name
        assert abs(1 - stated.availability_ratio[name] - alone) < 5 * error, name
    for place, call in enumerate(topology.calls):
        if call.group is None:  # a group's load is spread over its members there, each is asked here
            pair = call.caller, call.dependency
            made = one_by_one.calls[pair] / requests
            assert found.calls[place] / found.requests[0] == pytest.approx(made, rel=0.03), pair
            failed = one_by_one.failed_calls[pair] / one_by_one.calls[pair]
            assert found.failed_calls[place] / found.calls[place] == pytest.approx(failed, rel=0.06), pair


services_and_calls = st.lists(
    st.builds(
        SimulatedCall,
        caller=st.sampled_from(["s0", "s1", "s2", "s3"]),
        dependency=st.sampled_from(["s0", "s1", "s2", "s3"]),
        calls_per_request=st.sampled_from([0.3, 1.0, 2.0]),
        pass_through=st.sampled_from([0.0, 0.5, 1.0]),
        cache_hit_ratio=st.sampled_from([0.0, 0.6]),
        attempts=st.integers(1, 3),
        sticky_ratio=st.sampled_from([0.0, 0.5]),
        timeout_seconds=st.sampled_from([None, 0.05, 2.0]),
    ).filter(lambda call: call.caller != call.dependency),
    unique_by=lambda call: (call.caller, call.dependency),
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(calls=services_and_calls, fails=st.tuples(*[st.sampled_from([0.0, 0.01, 0.4, 1.0])] * 4))
def test_the_books_balance_whatever_calls_whom(calls, fails):
    services = tuple(
        SimulatedService(f"s{place}", 200.0 if place == 0 else 0.0, base_failure_ratio=share)
        for place, share in enumerate(fails)
    )
    organisation = Organisation(
        SimulatedTopology(services, tuple(calls)), Parameters(incident_every_days=2), seed=3
    )

    panel = availability(organisation, HOUR, HOUR + 100)
    called = edges(organisation, HOUR, HOUR + 100)
    found = lived(organisation, HOUR, HOUR + 100)

    assert (panel.good >= 0).all()
    assert (called.failed <= called.calls).all()
    timeouts = dict(zip(called.pairs, found.timeouts, strict=True))
    for place, service in enumerate(services):
        incoming = [row for row, pair in enumerate(called.pairs) if pair[1] == service.service_id]
        if place:
            np.testing.assert_array_equal(panel.total[place], called.calls[incoming].sum(axis=0))
            there = called.failed[incoming].sum() - sum(timeouts[called.pairs[row]] for row in incoming)
            assert panel.bad[place].sum() == there
        assert found.own_failures[place] <= found.failed_requests[place] <= found.requests[place]
        assert sum(found.causes[service.service_id].values()) == pytest.approx(found.failed_requests[place])


def test_nobody_calls_a_service_before_its_birth_however_often_they_try_others():
    born = HOUR + 100
    services = tuple(
        SimulatedService(name, 500 * (name == "a"), base_failure_ratio=0.3, born_at_hour=born if late else None)
        for name, late in (("a", False), ("b", False), ("new", True), ("m1", True), ("m2", False))
    )
    calls = (
        SimulatedCall("a", "b", attempts=3),
        SimulatedCall("b", "new", attempts=2, timeout_seconds=0.1),
        SimulatedCall("b", "m1", group="m"),
        SimulatedCall("b", "m2", group="m"),
    )
    organisation = Organisation(SimulatedTopology(services, calls), Parameters(incident_every_days=2), seed=3)

    before, after = lived(organisation, HOUR, born), lived(organisation, born, born + 100)

    for place, name in enumerate(("a", "b", "new", "m1", "m2")):
        assert (before.requests[place] == 0) == (name in {"new", "m1"})
        assert after.requests[place] > 0
    assert before.calls[1] == before.failed_calls[1] == before.hits[1] == 0


def test_any_part_of_the_time_has_the_numbers_of_the_whole_with_all_of_it_in_use():
    organisation = Organisation(everything(), Parameters(incident_every_days=3), seed=2)
    whole, whole_calls = (ask(organisation, HOUR, HOUR + 400) for ask in (availability, edges))

    for first, last in ((0, 3), (100, 180), (167, 400)):
        fresh = Organisation(everything(), Parameters(incident_every_days=3), seed=2)
        part = availability(fresh, HOUR + first, HOUR + last)
        part_calls = edges(fresh, HOUR + first, HOUR + last)

        np.testing.assert_array_equal(part.good, whole.good[:, first:last])
        np.testing.assert_array_equal(part_calls.failed, whole_calls.failed[:, first:last])


def test_causes_go_by_how_often_each_component_strikes():
    fails = {"a": 0.001, "b": 0.002, "c": 0.003, "d": 0.004}
    calls = (SimulatedCall("a", "b"), SimulatedCall("a", "c", 1.0, 0.5), SimulatedCall("b", "d", 0.5))

    found, _ = ratios(steady(*calls, fails=fails, arrivals=2e5))

    share = {name: count / found.failed_requests[0] for name, count in found.causes["a"].items()}
    assert share == pytest.approx({"a": 1 / 6.5, "b": 2 / 6.5, "c": 1.5 / 6.5, "d": 2 / 6.5}, rel=0.03)


def test_the_mean_latency_is_the_integral_of_its_distribution():
    parameters = replace(STEADY, slow_share=0.1)
    for load in (0.1, 0.5, 0.9):
        typical, loads = np.array([0.05]), np.array([load])

        def beyond(seconds: float, typical=typical, loads=loads) -> float:
            return float(1 - share_within(parameters, typical, loads, seconds)[0])

        area = quad(beyond, 1e-12, 2, limit=200)[0] + quad(beyond, 2, 60, limit=200)[0]
        assert mean_seconds(parameters, typical, loads)[0] == pytest.approx(area, rel=1e-4)


def test_the_tail_of_a_queue_grows_as_the_service_fills_up():
    typical = np.full(3, 0.05)
    beyond = 1 - share_within(STEADY, typical, np.array([0.2, 0.6, 0.9]), 1.0)

    # exponential waiting with mean 2 / (1 - load): the logarithm of the tail is linear in 1 - load
    np.testing.assert_allclose(
        np.log(beyond / STEADY.slow_share), -19 * (1 - np.array([0.2, 0.6, 0.9])) / 2, rtol=1e-3
    )


@pytest.mark.parametrize(
    "call",
    [
        {"cache_hit_ratio": 1.0},
        {"attempts": 0},
        {"sticky_ratio": 1.1},
        {"timeout_seconds": 0.0},
        {"group": "g", "attempts": 2},
    ],
)
def test_calls_that_cannot_be_are_refused(call):
    with pytest.raises(ValueError, match=r"hit ratio|timeout must|group is a way"):
        SimulatedTopology(chain("a", "b").services, (SimulatedCall("a", "b", **call),))
