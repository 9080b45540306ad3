"""Composed latencies against requests played one by one, closed forms, and laws that hold whatever the numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.waiting_requests import BOUNDS, OTEL, START, Played
from sloengine.domain.topology.composed_latency import ComposedChange, LatencyChange, rests_on
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.measured_draws import measured_draws, on_same_days

SLOW = np.where(np.random.default_rng(5).random(28) < 0.1, 4.0, 1.0)
"""Days on which several services are slow at once."""
DB = {"front": (0.05, 0.6), "db": (0.1, 0.5)}


def call(caller, dependency, weight=1.0, **more):
    return Dependency(caller, dependency, call_weight=weight, **more)


def pair(weight=1.0, **more):
    return Played(DB, (call("front", "db", weight, **more),), slow={"db": SLOW, "front": SLOW})


CHAIN = Played(
    {"front": (0.02, 0.5), "mid": (0.05, 0.6), "db": (0.1, 0.5)},
    (call("front", "mid"), call("mid", "db", 0.7)),
    slow={"db": SLOW, "front": SLOW},
)
FAN = Played(
    {"front": (0.02, 0.5), "mid": (0.09, 0.6), "db": (0.1, 0.5)},
    (call("front", "mid"), call("front", "db")),
    side_by_side=frozenset({"front"}),
    slow={"db": SLOW, "mid": SLOW},
)
CYCLE = Played(
    {"front": (0.05, 0.5), "back": (0.05, 0.6), "db": (0.1, 0.5)},
    (call("front", "back", 0.5), call("back", "front", 0.4), call("back", "db")),
)
LATER = {"db": 0.2}


@cache
def stored(name, bounds):
    played = {"chain": CHAIN, "fan": FAN, "cycle": CYCLE}[name]
    return played.histories(1, bounds=OTEL if bounds == "advised" else BOUNDS)


@pytest.mark.parametrize("bounds", ["fine", "advised"])
@pytest.mark.parametrize(("name", "played"), [("chain", CHAIN), ("fan", FAN), ("cycle", CYCLE)])
def test_a_slower_dependency_is_felt_as_when_requests_are_played(name, played, bounds):
    """In turn, side by side (the truth is the lower end there) and round a cycle."""
    change = ComposedChange(played.graph, stored(name, bounds), LatencyChange(shifts=LATER))
    slower = played.changed(later=LATER)

    for level in (0.95, 0.99):
        found = change.of("front", level)
        assert found.reason is None
        truth = slower.percentile("front", level)
        assert found.low <= 1.06 * truth
        assert found.high >= 0.94 * truth
        assert found.low >= found.measured
        if name != "cycle":  # there a request may come by more than once
            assert found.high <= found.measured + 0.21


@pytest.mark.parametrize(
    ("played", "change", "then"),
    [
        (pair(), LatencyChange(scales={"db": 2.0}), {"scale": {"db": 2.0}}),
        (pair(), LatencyChange(scales={"db": 0.3}), {"scale": {"db": 0.3}}),
        (pair(0.1), LatencyChange(shifts={"db": 0.1}), {"later": {"db": 0.1}}),
        (pair(2.25), LatencyChange(calls={("front", "db"): 0.5}), {"calls": (call("front", "db", 1.125),)}),
        (pair(), LatencyChange(calls={("front", "db"): 0.0}), {"calls": ()}),
        (pair(timeout_ms=200), LatencyChange(shifts={"db": 0.1}), {"later": {"db": 0.1}}),
        (
            Played(DB, (call("front", "db", timeout_ms=300, retry_config={"attempts": 3}),)),
            LatencyChange(shifts={"db": 0.5}),
            {"later": {"db": 0.5}},
        ),
    ],
)
def test_one_dependency_of_any_kind_of_change(played, change, then):
    composed = ComposedChange(played.graph, played.histories(1), change)
    truth = played.changed(**then)

    for level in (0.95, 0.99):
        found = composed.of("front", level)
        assert found.reason is None
        middle = (found.low + found.high) / 2
        assert middle == pytest.approx(truth.percentile("front", level), rel=0.08)
        assert found.high - found.low < 0.08 * found.high


def test_a_shift_of_a_single_call_is_inherited_as_it_is():
    """X + d: every percentile moves by d exactly."""
    composed = ComposedChange(pair().graph, pair().histories(1), LatencyChange(shifts={"db": 0.25}))

    for level in (0.5, 0.95, 0.99):
        found = composed.of("front", level)
        assert found.high - found.measured == pytest.approx(0.25, rel=1e-6)
        assert found.low - found.measured == pytest.approx(0.25, rel=1e-6)


def test_a_service_in_focus_that_is_scaled_is_scaled_whole():
    composed = ComposedChange(pair().graph, pair().histories(1), LatencyChange(scales={"front": 0.5}))

    found = composed.of("front", 0.95)

    assert found.high == pytest.approx(0.5 * found.measured, rel=1e-9)


def test_an_asynchronous_or_stale_call_carries_nothing():
    for how in ({"mode": DependencyMode.ASYNC}, {"is_stale": True}):
        played = pair()
        graph = replace(played, calls=(call("front", "db", **how),)).graph
        composed = ComposedChange(graph, played.histories(1), LatencyChange(shifts={"db": 1.0}))
        assert "front" not in composed.affected
        found = composed.of("front", 0.95)
        assert found.low == found.high == found.measured


@given(st.floats(0.0, 2.0), st.floats(0.05, 3.0), st.floats(0.0, 1.0))
@settings(max_examples=12, deadline=None)
def test_more_time_is_never_told_as_less(later, weight, factor):
    played = pair(weight)
    histories = _pair_histories()
    by = ComposedChange(played.graph, histories, LatencyChange(shifts={"db": later})).of("front", 0.95)
    fewer = ComposedChange(played.graph, histories, LatencyChange(calls={("front", "db"): factor}))
    less = fewer.of("front", 0.95)
    if by.reason is None:
        assert by.measured <= by.low + 1e-9 <= by.high + 2e-9
    if less.reason is None:
        assert less.high <= less.measured + 1e-9


@cache
def _pair_histories():
    return pair(3.0).histories(1, requests=1_000)


def test_what_is_not_known_is_said_and_not_guessed():
    histories = stored("cycle", "fine")
    shift = LatencyChange(shifts=LATER)

    def reason(graph, given, **more):
        found = ComposedChange(graph, given, more.get("change", shift)).of("front", 0.95)
        assert found.low is None
        assert found.high is None
        return found.reason

    assert "no latency histogram of front" in reason(CYCLE.graph, {})
    without = {name: one for name, one in histories.items() if name != "back"}
    assert "no latency histogram of back" in reason(CYCLE.graph, without)
    unmeasured = replace(CYCLE, calls=(call("front", "back"), call("back", "front", None), call("back", "db")))
    assert "how often back calls front for a request is not measured" in reason(unmeasured.graph, histories)
    endless = replace(CYCLE, calls=(call("front", "back"), call("back", "front"), call("back", "db")))
    assert "not explained" in reason(endless.graph, histories)
    few = {name: replace(one, counts=one.counts[:5]) for name, one in histories.items()}
    assert "fewer than 7 days" in reason(CYCLE.graph, few)
    short = {
        name: replace(one, bounds_seconds=np.r_[0.05, 0.1, 0.15, np.inf], counts=_merged(one.counts))
        for name, one in histories.items()
    }
    assert "above the last bound" in reason(CYCLE.graph, short)


def _merged(counts):
    edges = np.searchsorted(BOUNDS, [0.05, 0.1, 0.15])
    within = np.cumsum(counts, axis=1)[:, edges]
    return np.diff(np.c_[np.zeros(len(counts)), within, counts.sum(axis=1)], axis=1)


def test_calls_that_are_tried_without_end_are_not_followed():
    graph = replace(pair(), calls=(call("front", "db", timeout_ms=200, retry_config={"attempts": 10**9}),)).graph

    found = ComposedChange(graph, _pair_histories(), LatencyChange(shifts=LATER)).of("front", 0.95)

    assert found.high is None
    assert "too many to follow" in found.reason


def test_weights_that_nobody_measured_are_named():
    played = pair()
    graph = replace(played, calls=(call("front", "db", None),)).graph

    found = ComposedChange(graph, played.histories(1), LatencyChange(shifts=LATER)).of("front", 0.95)

    assert found.assumed == ("front → db",)
    assert "counted as one call per request: front → db" in rests_on(found)


def test_only_histograms_between_the_service_and_the_change_are_needed():
    graph = replace(CHAIN, calls=(*CHAIN.calls, call("mid", "cache"), call("cache", "disk"))).graph
    graph = replace(
        CHAIN, own={**CHAIN.own, "cache": (0.1, 0.1), "disk": (0.1, 0.1)}, calls=graph.dependencies
    ).graph

    assert ComposedChange(graph, {}, LatencyChange(shifts=LATER)).needs("front") == {"front", "mid", "db", "cache"}


def test_draws_of_a_histogram_have_its_shares_and_its_gaps():
    history = stored("chain", "advised")["front"]
    counts = history.counts.copy()
    counts[3] = np.nan

    drawn = measured_draws(replace(history, counts=counts), np.random.default_rng(1))

    assert np.isnan(drawn[3]).all()
    shares = (drawn[0][:, None] <= OTEL[None, :-1]).mean(axis=0)
    assert shares == pytest.approx((np.cumsum(counts[0]) / counts[0].sum())[:-1], abs=0.005)


def test_histories_of_different_days_are_laid_beside_each_other():
    history = stored("chain", "fine")["front"]
    later = replace(history, start_at=START.replace(day=3), counts=history.counts[:4])

    found = on_same_days({"one": later, "two": replace(history, counts=history.counts[:3])})

    assert {one.counts.shape[0] for one in found.values()} == {6}
    assert np.isnan(found["one"].counts[:2]).all()
    assert np.isnan(found["two"].counts[3:]).all()
