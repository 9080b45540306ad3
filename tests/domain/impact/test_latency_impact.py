"""Impact of changed latency objectives: a limit, against times of requests that the test draws itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.latency import LatencyLevels, analyse_latency
from sloengine.domain.impact.model import SloChange
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

P95 = ObjectiveKind.LATENCY_P95
REQUESTS = 400


def analysed(names, edges, measured, promised, changes, **options):
    """Rows by service; milliseconds by name."""
    network = failure_network(DependencyGraph(tuple(Service(name) for name in names), tuple(edges)))
    levels = LatencyLevels(
        {(name, P95): value for name, value in promised.items()},
        {(name, P95): value for name, value in measured.items()},
    )
    proposed = [SloChange(name, SloTarget(P95, threshold_ms=value)) for name, value in changes.items()]
    rows, notes = analyse_latency(network, levels, proposed, **options)
    return {row.service_id: row for row in rows}, notes


def percentile(times):
    return float(np.sort(times)[math.ceil(0.95 * len(times)) - 1])


@st.composite
def organisations(draw):
    """Services that call later ones, in stages one after another, side by side within a stage."""
    size = draw(st.integers(2, 5))
    calls = {}
    for caller in range(size):
        for dependency in range(caller + 1, size):
            if draw(st.booleans()):
                # Each call of the pair in one of three stages; the weight is how many there are.
                calls[caller, dependency] = draw(st.lists(st.integers(0, 2), min_size=1, max_size=2))
    changed = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=3, unique=True))
    moves = {service: draw(st.sampled_from([-80.0, -30.0, 30.0, 200.0])) for service in changed}
    return size, calls, moves, draw(st.integers(0, 2**32 - 1))


def answered(size, calls, own, moved):
    """Times of all services, dependencies first; ``moved``: added to what a changed service took."""
    times = np.zeros((size, REQUESTS))
    for service in reversed(range(size)):
        stages = np.zeros((3, REQUESTS))
        for (caller, dependency), places in calls.items():
            for stage in places if caller == service else ():
                stages[stage] = np.maximum(stages[stage], times[dependency])
        times[service] = own[service] + stages.sum(axis=0)
        if service in moved:
            times[service] = moved[service]
    return times


@given(organisations())
@settings(max_examples=150, deadline=None)
def test_no_caller_gets_slower_than_the_limit(case):
    size, calls, moves, seed = case
    rng = np.random.default_rng(seed)
    own = rng.exponential(100.0, (size, REQUESTS))
    before = answered(size, calls, own, {})
    # A changed service takes up to so much longer, or is faster by anything at all.
    moved = {
        service: np.maximum(0.0, before[service] + move * rng.choice([0.0, 0.5, 1.0], REQUESTS))
        for service, move in moves.items()
    }
    after = answered(size, calls, own, moved)
    names = [f"s{i}" for i in range(size)]
    edges = [Dependency(f"s{i}", f"s{j}", call_weight=float(len(places))) for (i, j), places in calls.items()]

    rows, _ = analysed(
        names,
        edges,
        {name: percentile(before[i]) for i, name in enumerate(names)},
        {f"s{service}": 1_000.0 for service in moves},
        {f"s{service}": 1_000.0 + move for service, move in moves.items()},
    )

    callers = {i for i in range(size) if i not in moves and _waits(calls, i, moves)}
    assert set(rows) == {f"s{i}" for i in callers}
    for i in callers:
        assert percentile(after[i]) <= rows[f"s{i}"].after + 1e-6
        assert rows[f"s{i}"].before == pytest.approx(percentile(before[i]))


def _waits(calls, service, changed):
    return any(i == service and (j in changed or _waits(calls, j, changed)) for i, j in calls)


def test_calls_one_after_another_reach_the_limit():
    """A limit that nobody can reach would be none: here everything is serial and everybody takes the whole Δ."""
    own = np.random.default_rng(1).exponential(50.0, (3, REQUESTS))
    calls = {(0, 1): [0], (0, 2): [1], (1, 2): [0]}
    before = answered(3, calls, own, {})
    after = answered(3, calls, own, {2: before[2] + 100.0})

    rows, _ = analysed(
        ["a", "b", "c"],
        [Dependency("a", "b"), Dependency("a", "c"), Dependency("b", "c")],
        {"a": percentile(before[0]), "b": percentile(before[1])},
        {"c": 300.0},
        {"c": 400.0},
    )

    assert percentile(after[0]) == pytest.approx(rows["a"].after) == pytest.approx(rows["a"].before + 200.0)
    assert percentile(after[1]) == pytest.approx(rows["b"].after)


def test_a_tighter_dependency_takes_nothing_off_the_limit():
    edges = [Dependency("checkout", "store"), Dependency("checkout", "cart")]

    rows, notes = analysed(
        ["checkout", "store", "cart"],
        edges,
        {"checkout": 950.0},
        {"store": 300.0, "cart": 300.0, "checkout": 940.0},
        {"store": 200.0},
    )
    both, _ = analysed(
        ["checkout", "store", "cart"],
        edges,
        {"checkout": 950.0},
        {"store": 300.0, "cart": 300.0, "checkout": 940.0},
        {"store": 200.0, "cart": 400.0},
    )

    assert rows["checkout"].after == 950.0
    assert rows["checkout"].margin_change == 0.0
    assert math.copysign(1.0, rows["checkout"].margin_change) == 1.0
    assert rows["checkout"].violates
    assert rows["checkout"].was_violated
    assert both["checkout"].after == 1_050.0
    assert any("takes nothing off" in note for note in notes)


def test_a_timeout_cuts_each_call_and_attempts_are_calls():
    rows, _ = analysed(
        ["twice", "tries", "store"],
        [
            Dependency("twice", "store", timeout_ms=50, call_weight=1.5),
            Dependency("tries", "store", timeout_ms=50, retry_config={"attempts": 3}),
        ],
        {"twice": 100.0, "tries": 100.0},
        {"store": 100.0},
        {"store": 900.0},
    )

    assert (rows["twice"].after, rows["tries"].after) == (200.0, 250.0)


def test_who_does_not_wait_is_not_listed():
    rows, _ = analysed(
        ["api", "queue"],
        [Dependency("api", "queue", mode=DependencyMode.ASYNC)],
        {"api": 100.0},
        {"queue": 100.0},
        {"queue": 200.0},
    )

    assert rows == {}


def test_a_cycle_of_waiting_has_no_limit_but_by_timeouts():
    def cycle(timeout_ms, **changes):
        edges = [
            Dependency("front", "a"),
            Dependency("a", "b", timeout_ms=timeout_ms),
            Dependency("b", "a", timeout_ms=timeout_ms),
            Dependency("b", "store"),
        ]
        measured = dict.fromkeys(("front", "a", "b"), 100.0)
        promised = {"store": 100.0, "a": 300.0}
        return analysed(["front", "a", "b", "store"], edges, measured, promised, changes)[0]

    open_ended, cut = cycle(None, store=110.0), cycle(20, store=110.0)
    fixed = cycle(None, store=110.0, a=310.0)

    assert {name: row.after for name, row in open_ended.items()} == {"front": None, "a": None, "b": None}
    assert all("cycle without timeouts" in row.reason for row in open_ended.values())
    assert open_ended["front"].path == ("front", "a", "b", "store")
    assert {name: row.after for name, row in cut.items()} == {"front": 120.0, "a": 120.0, "b": 130.0}
    # What "a" answers is said, whatever it waits for: the way round is cut.
    assert {name: row.after for name, row in fixed.items()} == {"front": 110.0, "b": 120.0}
    assert {row.after for row in cycle(None, store=90.0).values()} == {100.0}


def test_a_change_that_nobody_knows_is_null_but_behind_a_timeout():
    rows, notes = analysed(
        ["slow", "quick", "store"],
        [Dependency("slow", "store"), Dependency("quick", "store", timeout_ms=30)],
        {"slow": 100.0, "quick": 100.0},
        {},
        {"store": 500.0},
    )

    assert rows["slow"].after is None
    assert "is not known" in rows["slow"].reason
    assert rows["quick"].after == 130.0
    assert any("neither a p95 objective nor a latency histogram" in note for note in notes)


def test_callers_further_away_can_be_left_out():
    names = ["a", "b", "c"]
    edges = [Dependency("a", "b"), Dependency("b", "c")]

    rows, _ = analysed(names, edges, dict.fromkeys(names, 10.0), {"c": 10.0}, {"c": 20.0}, max_depth=1)

    assert set(rows) == {"b"}
