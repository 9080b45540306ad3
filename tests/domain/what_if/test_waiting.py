"""What edits make of percentiles: above nothing, by no more than one wait, in the direction of the edit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.recommendation.measured_latency import MeasuredLatency
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from sloengine.domain.what_if.edits import AddCache, Cut, Improve, MakeAsync, Soften
from sloengine.domain.what_if.waiting import moved_latency

P95, P99 = ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99


def told(edges, milliseconds, *edits, root="front", kind=P95, fastest=20.0):
    """(percentile of the root afterwards, whose latency is missing). ``milliseconds``: percentile by service."""
    names = sorted({name for edge in edges for name in edge.pair})
    graph = DependencyGraph(tuple(Service(name) for name in names), tuple(edges))
    measured = {name: MeasuredLatency({kind: ms}, min(fastest, ms)) for name, ms in milliseconds.items()}
    moved = moved_latency(graph, edits, root, kind, measured)
    return float(moved.after(np.array([milliseconds[root]]))[0]), moved.missing


def call(caller="front", dependency="db", **more):
    return Dependency(caller, dependency, **more)


@pytest.mark.parametrize("edit", [Cut("front", "db"), MakeAsync("front", "db"), AddCache("front", "db", 0.99)])
def test_calls_that_are_made_three_times_are_not_waited_for_three_times_less(edit):
    """400 ms less three times 200 would be nothing at all."""
    assert told([call(call_weight=3.0)], {"front": 400.0, "db": 200.0}, edit) == (200.0, ())


def test_percentiles_of_several_calls_are_not_added_up():
    edges = [call(), call(dependency="search")]

    after, _ = told(
        edges, {"front": 400.0, "db": 200.0, "search": 150.0}, Cut("front", "db"), Cut("front", "search")
    )

    assert after == 200.0


def test_nobody_gets_faster_than_they_have_been_seen():
    assert told([call()], {"front": 400.0, "db": 390.0}, Cut("front", "db"), fastest=120.0) == (120.0, ())
    assert told([call()], {"front": 400.0, "db": 900.0}, Cut("front", "db"), fastest=120.0) == (120.0, ())


def test_a_call_takes_no_longer_than_its_timeout_allows():
    twice = {"attempts": 2}

    assert told([call(timeout_ms=50)], {"front": 400.0, "db": 200.0}, Cut("front", "db")) == (350.0, ())
    assert told([call(timeout_ms=50, retry_config=twice)], {"front": 400.0, "db": 200.0}, Cut("front", "db")) == (
        300.0,
        (),
    )
    # Still slower than the timeout: the caller goes on after it as before.
    assert told([call(timeout_ms=50)], {"front": 400.0, "db": 200.0}, Improve("db", latency_scale=0.5)) == (
        400.0,
        (),
    )


def test_a_cache_counts_once_hardly_any_request_waits_for_any_of_its_calls():
    three, times = [call(call_weight=3.0)], {"front": 400.0, "db": 200.0}

    assert told(three, times, AddCache("front", "db", 0.96))[0] == 400.0  # one request in eight still waits
    assert told(three, times, AddCache("front", "db", 0.99))[0] == 200.0
    assert told([call()], times, AddCache("front", "db", 0.96))[0] == 200.0
    assert told([call()], times, AddCache("front", "db", 0.96), kind=P99)[0] == 400.0


def test_calls_of_fewer_requests_than_lie_beyond_the_percentile_move_nothing():
    seldom, times = [call(call_weight=0.02)], {"front": 400.0, "db": 200.0}

    assert told(seldom, times, Cut("front", "db"))[0] == 400.0
    assert told(seldom, times, Cut("front", "db"), kind=P99)[0] == 200.0


def test_a_faster_service_is_felt_along_the_calls():
    edges = [call(dependency="cart"), call("cart", "db")]
    times = {"front": 400.0, "cart": 300.0, "db": 200.0}

    assert told(edges, times, Improve("front", latency_scale=0.5))[0] == 200.0
    assert told(edges, times, Improve("db", latency_scale=0.5))[0] == 300.0
    assert told(edges, times, Improve("db", latency_scale=2.0))[0] == 600.0
    assert told(edges, times, Cut("cart", "db"))[0] == 200.0
    assert told(edges, times, Cut("cart", "db"), Improve("front", latency_scale=0.5))[0] == 100.0


def test_what_is_not_waited_for_moves_nothing():
    times = {"front": 400.0, "db": 200.0}

    assert told([call(mode=DependencyMode.ASYNC)], times, Cut("front", "db"))[0] == 400.0
    assert told([call()], times, Soften("front", "db"))[0] == 400.0


def test_whose_latency_is_not_known_is_named():
    edges = [call(dependency="cart"), call("cart", "db")]

    assert told(edges, {"front": 400.0, "cart": 300.0}, Cut("cart", "db"))[1] == ("db",)
    assert told(edges, {"front": 400.0, "cart": 300.0}, Cut("front", "cart"))[1] == ()


def test_at_best_is_no_slower_than_the_truth_of_simulated_requests():
    """One call after own work, lognormal: what is told lies between what it then takes, known here, and before."""
    rng = np.random.default_rng(5)
    work, wait = rng.lognormal(np.log(100.0), 0.5, 200_000), rng.lognormal(np.log(60.0), 0.7, 200_000)
    before, below, truth = (float(np.quantile(one, 0.95)) for one in (work + wait, wait, work))
    fastest = float(np.quantile(work + wait, 0.05))

    after, _ = told([call()], {"front": before, "db": below}, Cut("front", "db"), fastest=fastest)

    assert fastest < after <= truth < before


TIMES = st.floats(1.0, 5_000.0)
EDGES = st.tuples(
    *(
        st.builds(
            call,
            st.just(caller),
            st.just(dependency),
            call_weight=st.one_of(st.none(), st.floats(0.001, 10.0)),
            timeout_ms=st.one_of(st.none(), st.integers(1, 5_000)),
        )
        for caller, dependency in (("front", "cart"), ("front", "db"), ("cart", "db"))
    )
)
ALL_TIMES = st.fixed_dictionaries(dict.fromkeys(("front", "cart", "db"), TIMES))
PAIRS = st.sampled_from([("front", "cart"), ("front", "db"), ("cart", "db")])
NEVER_SLOWER = st.one_of(
    PAIRS.map(lambda pair: Cut(*pair)),
    PAIRS.map(lambda pair: MakeAsync(*pair)),
    st.builds(lambda pair, hits: AddCache(*pair, hits), PAIRS, st.floats(0.0, 1.0)),
    st.builds(
        lambda name, scale: Improve(name, latency_scale=scale),
        st.sampled_from(["front", "cart", "db"]),
        st.floats(0.01, 1.0),
    ),
)


@given(edges=EDGES, times=ALL_TIMES, edits=st.lists(NEVER_SLOWER, min_size=1, max_size=4))
def test_after_is_above_nothing_and_never_slower(edges, times, edits):
    after, missing = told(edges, times, *edits)

    assert not missing
    assert 0.0 < after <= times["front"]


@given(edges=EDGES, times=ALL_TIMES, name=st.sampled_from(["front", "cart", "db"]), scale=st.floats(0.01, 1.0))
def test_a_service_that_takes_a_share_of_its_time_leaves_its_callers_at_least_that_share(
    edges, times, name, scale
):
    after, _ = told(edges, times, Improve(name, latency_scale=scale))

    assert after >= scale * times["front"] * (1.0 - 1e-9)
    assert told(edges, times, Improve(name, latency_scale=1.0))[0] == times["front"]


@given(edges=EDGES, times=ALL_TIMES, pair=PAIRS, hits=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=2))
def test_more_hits_are_never_slower(edges, times, pair, hits):
    fewer, more = (told(edges, times, AddCache(*pair, share))[0] for share in sorted(hits))

    assert more <= fewer
