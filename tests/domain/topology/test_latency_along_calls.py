"""Composed latencies against closed forms, and laws that hold whatever the numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.latency_along_calls import (
    CallPlan,
    LatencyAlongCalls,
    LatencyTable,
    TimedCall,
    plans_of,
)
from sloengine.domain.topology.service import Service

N = 200_000
# Dense where the checks look.
LEVELS = np.concatenate([np.linspace(0.0, 0.9, 91), 1.0 - np.geomspace(0.1, 1e-6, 101)[1:], [1.0]])
NOTHING = LatencyTable(np.array([0.0, 1.0]), np.zeros((1, 2)))


def exponential(mean: float = 1.0) -> LatencyTable:
    seconds = stats.expon.ppf(np.minimum(LEVELS, 1 - 1e-7), scale=mean)
    return LatencyTable(LEVELS, seconds[None, :])


def constant(*seconds: float) -> LatencyTable:
    return LatencyTable(np.array([0.0, 1.0]), np.repeat(np.array(seconds)[:, None], 2, axis=1))


def fan_out(k: int, table: LatencyTable, *, side_by_side: bool) -> LatencyAlongCalls:
    names = [f"d{i}" for i in range(k)]
    calls = tuple(TimedCall(name) for name in names)
    plan = CallPlan((calls,) if side_by_side else tuple((call,) for call in calls))
    intervals = len(table.seconds)
    root = LatencyTable(NOTHING.levels, np.repeat(NOTHING.seconds, intervals, axis=0))
    return LatencyAlongCalls({"root": root, **dict.fromkeys(names, table)}, {"root": plan})


@pytest.mark.parametrize("k", [2, 5, 20])
def test_the_slowest_of_k_exponential_calls_takes_the_harmonic_number(k):
    drawn = fan_out(k, exponential(), side_by_side=True).draw("root", N, np.random.default_rng(1))

    harmonic = sum(1 / i for i in range(1, k + 1))
    spread = np.sqrt(sum(1 / i**2 for i in range(1, k + 1)) / N)
    assert drawn.seconds.mean() == pytest.approx(harmonic, abs=4 * spread + 0.002 * harmonic)


@pytest.mark.parametrize("k", [2, 5])
def test_k_exponential_calls_one_after_another_take_an_erlang_time(k):
    drawn = fan_out(k, exponential(), side_by_side=False).draw("root", N, np.random.default_rng(2))

    for level in (0.5, 0.95, 0.99):
        assert drawn.percentile(level) == pytest.approx(stats.gamma.ppf(level, k), rel=0.02)


def test_five_calls_side_by_side_that_each_keep_100_ms_in_99_percent_all_keep_it_in_95():
    scale = 0.1 / -np.log(0.01)  # the p99 of each is 100 ms

    drawn = fan_out(5, exponential(scale), side_by_side=True).draw("root", N, np.random.default_rng(3))

    assert drawn.share_within(0.1) == pytest.approx(0.99**5, abs=0.002)  # 0.951
    # The p99 of the slowest of five is each one's p99.8.
    assert drawn.percentile(0.99) == pytest.approx(stats.expon.ppf(0.99 ** (1 / 5), scale=scale), rel=0.03)


def test_a_minute_that_is_slow_for_both_is_not_averaged_away():
    bad_in_twenty = constant(*([0.1] + [0.01] * 19))
    model = fan_out(2, bad_in_twenty, side_by_side=False)

    joint = model.draw("root", N, np.random.default_rng(4))
    independent = model.draw("root", N, np.random.default_rng(4), joint=False)

    # Jointly 5 % of requests take 200 ms; independently 0.25 % do, and 9.5 % take 110 ms.
    assert joint.percentile(0.99) == pytest.approx(0.2)
    assert independent.percentile(0.99) == pytest.approx(0.11)
    assert joint.share_within(0.15) == pytest.approx(0.95, abs=0.003)
    assert independent.share_within(0.15) == pytest.approx(0.9975, abs=0.001)


def test_a_weight_is_so_many_calls_one_after_another_and_the_rest_a_probability():
    table = constant(1.0)
    model = LatencyAlongCalls({"a": constant(0.0), "b": table}, {"a": CallPlan(((TimedCall("b", 2.25),),))})

    drawn = model.draw("a", N, np.random.default_rng(5))

    assert set(np.unique(drawn.seconds)) == {2.0, 3.0}
    assert drawn.seconds.mean() == pytest.approx(2.25, abs=0.01)


def test_a_timeout_ends_the_waiting():
    plan = CallPlan(((TimedCall("b", timeout_seconds=0.3),),))
    model = LatencyAlongCalls({"a": constant(0.1), "b": constant(5.0)}, {"a": plan})

    assert model.draw("a", 10, np.random.default_rng(6)).percentile(1.0) == pytest.approx(0.4)


def test_a_call_that_is_tried_again_waits_for_each_attempt_up_to_the_first_that_answers():
    """Every other attempt outlasts the timeout: half of the calls wait for one, a quarter for two."""
    half = LatencyTable(np.array([0.0, 0.5, 0.5 + 1e-9, 1.0]), np.array([[0.0, 0.0, 5.0, 5.0]]))
    plan = CallPlan(((TimedCall("b", timeout_seconds=0.3, attempts=3),),))
    model = LatencyAlongCalls({"a": constant(0.0), "b": half}, {"a": plan})

    drawn = model.draw("a", N, np.random.default_rng(6))

    shares = [float(np.isclose(drawn.seconds, seconds).mean()) for seconds in (0.0, 0.3, 0.6, 0.9)]
    assert shares == pytest.approx([0.5, 0.25, 0.125, 0.125], abs=0.01)


def test_only_minutes_with_data_of_all_are_drawn_and_as_often_as_they_have_requests():
    gap = constant(1.0, 2.0, 3.0)
    gap.seconds[1] = np.nan
    tables = {"a": constant(0.0, 0.0, 0.0), "b": gap}
    plans = {"a": CallPlan(((TimedCall("b"),),))}
    model = LatencyAlongCalls(tables, plans, traffic=np.array([3.0, 100.0, 1.0]))

    drawn = model.draw("a", N, np.random.default_rng(7))

    assert (drawn.intervals_used, drawn.intervals) == (2, 3)
    assert drawn.share_within(1.5) == pytest.approx(0.75, abs=0.01)


def test_histograms_are_read_back_at_their_own_shares():
    bounds = np.array([0.1, 0.2, 0.4, np.inf])
    table = LatencyTable.of_histograms(bounds, np.array([[50.0, 0.0, 45.0, 5.0], [0.0, 0.0, 0.0, 0.0]]))
    model = LatencyAlongCalls({"a": table}, {})

    drawn = model.draw("a", N, np.random.default_rng(8))

    assert drawn.intervals_used == 1
    assert drawn.share_within(0.1) == pytest.approx(0.5, abs=0.005)
    assert drawn.share_within(0.2) == pytest.approx(0.5, abs=0.005)
    assert drawn.share_within(0.4) == pytest.approx(0.95, abs=0.005)
    assert drawn.percentile(0.99) == np.inf


def test_a_cycle_of_waiting_and_an_unknown_latency_are_named():
    both = {"a": CallPlan(((TimedCall("b"),),)), "b": CallPlan(((TimedCall("a"),),))}

    with pytest.raises(ValueError, match="a -> b -> a"):
        LatencyAlongCalls({"a": NOTHING, "b": NOTHING}, both).reached("a")
    with pytest.raises(ValueError, match="no latency of b"):
        LatencyAlongCalls({"a": NOTHING}, both).reached("a")


def test_the_graph_gives_the_least_and_the_most_that_a_request_can_take():
    edges = (
        Dependency("a", "b", call_weight=2.0),
        Dependency("a", "c", timeout_ms=500),
        Dependency("a", "queue", mode=DependencyMode.ASYNC),
        Dependency("a", "outside"),
    )
    names = ("a", "b", "c", "queue", "outside")
    graph = DependencyGraph(tuple(Service(name) for name in names), edges)
    inside = ("a", "b", "c", "queue")

    least = plans_of(graph, inside, side_by_side=True)
    most = plans_of(graph, inside, side_by_side=False)

    calls = (TimedCall("b", 2.0), TimedCall("c", 1.0, 0.5))
    assert least == {"a": CallPlan((calls,))}
    assert most == {"a": CallPlan(((calls[0],), (calls[1],)))}


minutes = st.lists(st.floats(0.0, 10.0), min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(a=minutes, b=minutes, c=minutes, faster=st.floats(0.0, 1.0), seed=st.integers(0, 99))
def test_a_faster_dependency_never_makes_its_caller_slower_and_waiting_in_turn_never_takes_less(
    a, b, c, faster, seed
):
    calls = (TimedCall("b", 1.5), TimedCall("c"))
    tables = {"a": constant(*a), "b": constant(*b), "c": constant(*c)}
    quicker = tables | {"b": constant(*(faster * seconds for seconds in b))}

    def drawn(tables, plan):
        model = LatencyAlongCalls(tables, {"a": plan})
        return model.draw("a", 200, np.random.default_rng(seed)).seconds

    parallel, serial = CallPlan((calls,)), CallPlan(tuple((call,) for call in calls))
    assert (drawn(quicker, parallel) <= drawn(tables, parallel) + 1e-12).all()
    assert (drawn(tables, parallel) <= drawn(tables, serial) + 1e-12).all()
