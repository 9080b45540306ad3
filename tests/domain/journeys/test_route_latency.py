"""Latency along a journey's routes, where nothing is measured at its entry: closed forms and requests played."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from bench.waiting_requests import BOUNDS, START, Played
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.journeys.route_latency import route_latency
from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

AT = datetime(2026, 3, 1, tzinfo=UTC)
STEPS = np.r_[np.arange(1, 101) / 100.0, np.inf]


def journey(*routes, entries=("page",)):
    listed = tuple(JourneyRoute(f"r{i}", weight, services) for i, (weight, *services) in enumerate(routes))
    listed = tuple(replace(route, services=tuple(route.services)) for route in listed)
    return Journey("j", "buy", entries, listed, "user:ada", AT, "user:ada", AT)


def graph_of(*edges):
    names = sorted({name for edge in edges for name in edge.pair})
    return DependencyGraph(tuple(Service(name) for name in names), edges)


def call(caller, dependency, weight=1.0, **more):
    return Dependency(caller, dependency, call_weight=weight, **more)


def always(service_id, seconds, requests=1_000.0, days=10):
    """Every request of every day within one bucket that ends there."""
    counts = np.tile(np.where(np.isclose(STEPS, seconds), requests, 0.0), (days, 1))
    return LatencyHistory(service_id, START, STEPS, counts)


def share_within(history, seconds):
    counts = np.nansum(history.counts, axis=0)
    return counts[history.bounds_seconds <= seconds + 1e-9].sum() / counts.sum()


def test_one_measured_service_behind_the_entry_is_the_journey():
    graph = graph_of(call("page", "front"))
    front = Played({"front": (0.1, 0.5)}, ()).histories(1)["front"]

    found, said = route_latency(journey(), graph, {"front": front})

    for level in (0.5, 0.95, 0.99):
        there, here = (
            percentile_seconds(one.counts.sum(axis=0)[None], BOUNDS, level)[0] for one in (front, found)
        )
        assert here == pytest.approx(there, rel=0.05)
    assert "no latency histogram of page" in said
    assert "not in it" in said


def test_calls_one_after_another_take_their_sum_and_routes_count_by_weight():
    """0.09 to 0.10 s, and 0.19 to 0.20 s after it on one request in four."""
    graph = graph_of(call("page", "cart"), call("page", "pay"))
    histories = {"cart": always("cart", 0.10), "pay": always("pay", 0.20)}

    found, _ = route_latency(journey((3.0, "page", "cart"), (1.0, "page", "cart", "pay")), graph, histories)

    assert share_within(found, 0.10) == pytest.approx(0.75, abs=1e-9)
    assert share_within(found, 0.27) == pytest.approx(0.75, abs=1e-9)
    assert share_within(found, 0.30) == pytest.approx(1.0, abs=1e-9)
    # Even within both buckets: half of the sums lie below the middle.
    assert share_within(found, 0.29) == pytest.approx(0.875, abs=0.01)


def test_slow_days_are_slow_for_all_that_a_request_waits_for():
    """Both slow on the same tenth of the days: the sum of both in a tenth of the requests, no mixture."""
    graph = graph_of(call("page", "cart"), call("page", "pay"))
    slow, usual = always("x", 0.50), always("x", 0.10)
    days = np.arange(10)[:, None] == 3
    both = replace(usual, counts=np.where(days, slow.counts, usual.counts))

    found, _ = route_latency(journey(), graph, {"cart": replace(both, service_id="cart"), "pay": both})

    assert share_within(found, 0.20) == pytest.approx(0.9, abs=1e-9)
    assert share_within(found, 0.90) == pytest.approx(0.9, abs=1e-9)


def test_against_requests_played_through_an_entry_that_takes_no_time():
    own = {"page": (1e-5, 0.1), "front": (0.05, 0.5), "pay": (0.1, 0.6)}
    calls = (call("page", "front"), call("page", "pay", 0.3), call("front", "pay"))
    slow = np.where(np.random.default_rng(3).random(28) < 0.15, 4.0, 1.0)
    played = Played(own, calls, slow={"pay": slow, "front": slow})
    histories = played.histories(1)
    del histories["page"]

    found, _ = route_latency(journey(), played.graph, histories)

    for level in (0.95, 0.99):
        composed = percentile_seconds(np.nansum(found.counts, axis=0)[None], found.bounds_seconds, level)[0]
        assert composed == pytest.approx(played.percentile("page", level), rel=0.06)


def test_unmeasured_services_between_are_passed_through_and_calls_off_the_route_are_not_made():
    graph = graph_of(call("page", "gateway"), call("gateway", "cart"), call("gateway", "pay"), call("cart", "pay"))
    histories = {"cart": always("cart", 0.10), "pay": always("pay", 0.50)}

    found, said = route_latency(journey((1.0, "page", "gateway", "cart")), graph, histories)

    assert share_within(found, 0.10) == 1.0
    assert "page, gateway" in said
    assert "no route lists pay, which they call" in said
    # What a measured service waits for is in its own histogram.
    _, said = route_latency(
        journey((1.0, "page", "cart")), graph_of(call("page", "cart"), call("cart", "pay")), histories
    )
    assert "no route lists" not in said


def test_what_cannot_be_told_has_a_reason():
    cart = {"cart": always("cart", 0.10)}

    def reason(graph, histories=cart):
        found, said = route_latency(journey(), graph, histories)
        assert found is None
        return said

    assert "No latency histogram of page" in reason(graph_of(call("page", "cart", mode=DependencyMode.ASYNC)))
    assert "No latency histogram of pay" in reason(graph_of(call("page", "cart"), call("page", "pay")))
    assert "wait for each other" in reason(graph_of(call("page", "a"), call("a", "b"), call("b", "a")))
    assert "a loop" in reason(graph_of(call("page", "cart", 500.0)))
    apart = {**cart, "pay": replace(always("pay", 0.2), start_at=START.replace(month=7))}
    assert "no day" in reason(graph_of(call("page", "cart"), call("page", "pay")), apart)
