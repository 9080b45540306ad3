"""Impact of changed availability objectives, against enumeration and simulation that share no code with it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.governance.model import Slo, SloSource, SloTarget
from sloengine.domain.impact.analyse import ImpactBasis, analyse_availability
from sloengine.domain.impact.availability import _kept
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.model import SloChange
from sloengine.domain.impact.reach import Reach
from sloengine.domain.impact.stated import learn_standing
from sloengine.domain.impact.told import analysis_of
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from tests.domain.topology import brute_force

HARD, DEGRADED, SOFT = DependencyCriticality.HARD, DependencyCriticality.DEGRADED, DependencyCriticality.SOFT
PASSES = {HARD: 1.0, DEGRADED: 0.5, SOFT: 0.1}


def target(ratio):
    return SloTarget(ObjectiveKind.AVAILABILITY, ratio)


def slo(service_id, ratio):
    return Slo(
        f"slo-{service_id}",
        service_id,
        SliType.AVAILABILITY,
        ComplianceWindow.ROLLING_28D,
        (target(ratio),),
        SloSource.MANUAL,
        datetime(2026, 1, 1, tzinfo=UTC),
        "user:ada",
    )


def basis_of(names, edges, shown, promised):
    """``shown``, ``promised``: unavailability by name."""
    graph = DependencyGraph(tuple(Service(name, team=f"team-{name}") for name in names), tuple(edges), version=3)
    network = failure_network(graph)
    column = np.array([shown.get(name, np.nan) for name in names])
    held = np.array([promised.get(name, np.nan) for name in names])
    slos = {name: slo(name, 1.0 - u) for name, u in promised.items()}
    return ImpactBasis(network, learn_standing(network, column, held), slos, frozenset(shown), seen=column)


def analysed(basis, changes, **options):
    proposed = [SloChange(name, target(ratio)) for name, ratio in changes.items()]
    return {row.service_id: row for row in analyse_availability(basis, proposed, **options)}


def edge(caller, dependency, criticality=HARD, weight=1.0, **more):
    return Dependency(caller, dependency, criticality=criticality, call_weight=weight, **more)


@st.composite
def cases(draw):
    size = draw(st.integers(2, 5))
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=6, unique=True))
    edges = [
        (i, j, draw(st.sampled_from([HARD, DEGRADED, SOFT])), draw(st.sampled_from([0.2, 0.7, 1.0])))
        for i, j in chosen
    ]
    level = st.floats(1e-5, 0.05)
    shown = draw(st.lists(level, min_size=size, max_size=size))
    promised = {i: draw(level) for i in range(size) if draw(st.booleans())}
    places = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=2, unique=True))
    changed = {i: draw(level) for i in places}
    return size, edges, shown, promised, changed


@given(cases())
@settings(max_examples=40, deadline=None)
def test_small_graphs_agree_with_enumeration(case):
    size, edges, shown, promised, changed = case
    calls = [(i, j, w * PASSES[c]) for i, j, c, w in edges]

    def less(held, inherited):
        return max(0.0, 1.0 - (1.0 - held) / (1.0 - inherited))

    def inherits(i, own):
        return brute_force.failure_probability(i, [*own[:i], 0.0, *own[i + 1 :]], calls)

    observed, own, before = [0.0] * size, [0.0] * size, [0.0] * size
    own_after, after = [0.0] * size, [0.0] * size
    steps: list[float] = []
    for i in reversed(range(size)):
        observed[i] = less(shown[i], inherits(i, observed))
        before[i] = inherits(i, own)
        own[i] = less(promised[i], before[i]) if i in promised else observed[i]
        if i in changed:
            steps.append(less(changed[i], before[i]) - own[i])
    # Nobody gains from looser objectives, nobody loses by tighter ones.
    floor, ceiling = (min(steps) >= -1e-9), (max(steps) <= 1e-9)
    for i in reversed(range(size)):
        after[i] = inherits(i, own_after)
        if floor or ceiling:
            after[i] = (max if floor else min)(before[i], after[i])
        if i in changed:
            own_after[i] = less(changed[i], after[i])
        elif i in promised:  # keeps its promise as long as its own failures leave room for it
            whole = 1.0 - (1.0 - own[i]) * (1.0 - before[i])
            own_after[i] = max(min(own[i], observed[i]), less(whole, after[i]))
        else:
            own_after[i] = observed[i]

    names = [f"s{i}" for i in range(size)]
    basis = basis_of(
        names,
        [edge(f"s{i}", f"s{j}", c, w) for i, j, c, w in edges],
        {f"s{i}": u for i, u in enumerate(shown)},
        {f"s{i}": u for i, u in promised.items()},
    )
    rows = analysed(basis, {f"s{i}": 1.0 - u for i, u in changed.items()})

    reaching = brute_force.reached_from(calls, size)
    assert set(rows) == {f"s{i}" for i in range(size) if any(i != x and x in reaching[i] for x in changed)}
    for i in range(size):
        if f"s{i}" in rows:
            row = rows[f"s{i}"]
            assert row.before == pytest.approx((1 - observed[i]) * (1 - before[i]), abs=1e-9)
            assert row.after == pytest.approx((1 - observed[i]) * (1 - after[i]), abs=1e-9)
            assert row.standard_error == 0.0


def test_a_large_graph_agrees_with_simulated_edges():
    """Sixty services, many uncertain ways: conditional simulation of the edges, in code of its own."""
    rng = np.random.default_rng(5)
    size = 60
    pairs = sorted({(int(i), int(j)) for i, j in np.sort(rng.integers(0, size, (260, 2)), axis=1) if i < j})
    kinds = rng.choice([HARD, DEGRADED, SOFT], len(pairs))
    weights = rng.choice([0.1, 0.4, 1.0], len(pairs))
    shown = rng.lognormal(-8, 1, size)
    names = [f"s{i:02d}" for i in range(size)]
    basis = basis_of(
        names,
        [edge(names[i], names[j], k, float(w)) for (i, j), k, w in zip(pairs, kinds, weights, strict=True)],
        dict(zip(names, shown.tolist(), strict=True)),
        {},
    )
    assert basis.network.size > 20
    changed = {50: 0.99, 57: 0.985}

    rows = analysed(basis, {names[i]: ratio for i, ratio in changed.items()})

    # Own parts as the engine has them; what they bring to each caller is simulated.
    own = basis.standing.own[basis.network.labels, 0]
    draws = 20_000
    passes = rng.random((len(pairs), draws)) < (weights * [PASSES[k] for k in kinds])[:, None]
    hazard = np.zeros((size, draws))
    reach = np.zeros((size, size, draws), bool)
    for i in reversed(range(size)):
        reach[i, i] = True
        for place, (caller, dependency) in enumerate(pairs):
            if caller == i:
                reach[i] |= reach[dependency] & passes[place]
        below = reach[i].copy()
        below[i] = False
        hazard[i] = own @ below
    estimated, simulated = [], []
    for i, name in enumerate(names):
        if name in rows and rows[name].distance > 0:
            more = np.zeros(draws)
            for x, ratio in changed.items():
                added = -np.log(ratio) - basis.standing.inherited[basis.network.labels[x], 0] - own[x]
                if x == 50 and reach[50, 57].any():
                    inherited_more = (-np.log(changed[57]) - own[57]) * reach[50, 57].mean()
                    added = max(-own[x], added - inherited_more)
                more += added * reach[i, x] if i != x else 0.0
            before = np.mean(1 - np.exp(-hazard[i]))
            after = np.mean(1 - np.exp(-hazard[i] - more))
            estimated.append((1 - rows[name].before - basis.standing.own[basis.network.labels[i], 1], rows[name]))
            simulated.append((before, after))
    assert len(simulated) > 30
    inherited_before = np.array([e for e, _ in estimated])
    ratio_before = inherited_before / np.array([b for b, _ in simulated])
    lost = np.array([(row.before - row.after) for _, row in estimated])
    ratio_lost = lost / np.array([a - b for b, a in simulated])
    assert np.mean(np.abs(ratio_before - 1) < 0.1) >= 0.9
    assert np.mean(np.abs(ratio_lost - 1) < 0.1) >= 0.9


def test_two_changes_on_one_path_are_not_summed():
    """entry -> middle -> store: middle's new objective already covers what it inherits from the store."""
    basis = basis_of(
        ["entry", "middle", "store"],
        [edge("entry", "middle"), edge("middle", "store")],
        {"entry": 1e-6, "middle": 1e-4, "store": 1e-4},
        {"entry": 0.02, "middle": 0.001, "store": 0.0005},
    )

    both = analysed(basis, {"middle": 0.99, "store": 0.992})["entry"]

    assert 1 - both.after == pytest.approx(0.01, abs=2e-6)


def test_a_redundant_dependency_hurts_only_with_its_replica():
    replicas = [edge("api", name, redundancy_group="stores", required=1) for name in ("store-a", "store-b")]
    basis = basis_of(
        ["api", "store-a", "store-b"],
        replicas,
        {"api": 0.0, "store-a": 0.001, "store-b": 0.001},
        {},
    )

    row = analysed(basis, {"store-a": 0.98})["api"]

    common = 0.1 * 0.001  # a tenth of the least failing one's own
    alone = (1 - (1 - 0.02) / (1 - common)) * (1 - (1 - 0.001) / (1 - common))
    assert 1 - row.after == pytest.approx(1 - (1 - common) * (1 - alone), rel=1e-6)


def test_asynchronous_calls_pass_nothing_on():
    basis = basis_of(
        ["api", "queue"], [edge("api", "queue", mode=DependencyMode.ASYNC)], {"api": 1e-4, "queue": 1e-4}, {}
    )

    assert analysed(basis, {"queue": 0.9}) == {}


def test_members_of_a_cycle_fail_together():
    names = ["front", "a", "b", "c"]
    basis = basis_of(
        names,
        [edge("front", "a"), edge("a", "b"), edge("b", "c"), edge("c", "a")],
        dict.fromkeys(names, 1e-4),
        {"front": 0.004, "a": 0.003, "b": 0.002},
    )

    rows = analysed(basis, {"b": 0.98})

    assert {name: round(1 - row.after, 6) for name, row in rows.items()} == {"front": 0.02, "a": 0.02, "c": 0.02}
    assert rows["front"].path == ("front", "a", "b")
    assert rows["c"].path == ("c", "a", "b")
    assert [rows[name].distance for name in ("front", "a", "c")] == [2, 1, 2]


def test_worst_comes_first_and_says_why():
    basis = basis_of(
        ["loose", "tight", "broken", "free", "store"],
        [edge(name, "store") for name in ("loose", "tight", "broken", "free")],
        {"loose": 1e-4, "tight": 1e-4, "broken": 1e-4, "store": 2e-4},
        {"loose": 0.05, "tight": 0.001, "broken": 0.0001, "store": 0.0005},
    )
    changes = [SloChange("store", target(0.99))]

    rows = analyse_availability(basis, changes)
    whole = analysis_of(basis, changes, rows)

    assert [row.service_id for row in rows] == ["tight", "broken", "loose", "free"]
    assert [(row.violates, row.was_violated) for row in rows] == [
        (True, False),
        (True, True),
        (False, False),
        (False, False),
    ]
    assert "tight → store lets all of store's failures through" in rows[0].reason
    assert "from +20.2 to -363 minutes of the 40.32 that 28 days allow" in rows[0].reason
    assert "below before the change" in rows[1].reason
    assert "no availability SLO" in rows[3].reason
    assert "its own failures are not known" in rows[3].reason
    assert whole.teams == ("team-tight", "team-broken", "team-loose", "team-free")
    assert whole.graph_version == 3


def test_where_nothing_arrives_the_reason_says_why():
    """A promise between with room, and a redundancy group: neither is told as failures that get through."""
    basis = basis_of(
        ["front", "api", "store", "one", "two"],
        [
            edge("front", "api"),
            edge("api", "store"),
            edge("front", "one", redundancy_group="g", required=1),
            edge("front", "two", redundancy_group="g", required=1),
        ],
        {"front": 1e-4, "api": 1e-4, "store": 1e-4, "one": 1e-3, "two": 1e-3},
        {"api": 0.01},
    )

    hidden = analysed(basis, {"store": 0.998})["front"].reason
    behind = analysed(basis, {"one": 0.9})["front"].reason

    assert "behind what api promises nothing of the change shows: the bound stays at" in hidden
    assert "goes from" not in hidden
    assert "minutes" not in hidden
    assert behind.startswith("front → one: failures of one alone do not get through")
    assert "the bound goes from" in behind


def test_shares_that_add_up_to_a_little_more_than_all_make_no_error_that_is_no_number():
    one = np.ones((2, 1))
    reaching = Reach(np.zeros((2, 1, 1), np.uint64), None, one + 1e-15, one < 0, np.ones(2, bool))

    with np.errstate(invalid="raise"):
        _, error = _kept(reaching, np.array([0.01]), [0])

    assert error.tolist() == [0.0, 0.0]


def test_a_latency_objective_judges_no_availability():
    basis = basis_of(
        ["checkout", "store"], [edge("checkout", "store")], {"checkout": 1e-5, "store": 1e-4}, {"checkout": 0.001}
    )
    latency = SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=300.0)

    [row] = analyse_availability(basis, [SloChange("checkout", latency), SloChange("store", target(0.9))])

    assert row.target == target(0.999)
    assert row.violates


def test_a_tighter_objective_gives_margin():
    basis = basis_of(
        ["api", "store"], [edge("api", "store")], {"api": 1e-5, "store": 1e-4}, {"api": 0.001, "store": 0.002}
    )

    row = analysed(basis, {"store": 0.9995})["api"]

    assert row.was_violated
    assert not row.violates
    assert row.margin_change == pytest.approx(0.15, rel=0.01)


def test_callers_further_away_can_be_left_out():
    basis = basis_of(
        ["a", "b", "c", "d"], [edge("a", "b"), edge("b", "c"), edge("c", "d")], dict.fromkeys("abcd", 1e-4), {}
    )

    assert set(analysed(basis, {"d": 0.9}, max_depth=2)) == {"b", "c"}


def two_who_promised_above_one_cause(passes=HARD):
    """d calls b and c, which promised far more room than their own failures need; both call a."""
    edges = [edge("d", "b"), edge("d", "c"), edge("b", "a", passes), edge("c", "a", passes)]
    seen = dict.fromkeys("abcd", 1e-4)
    return edges, seen, {"b": 0.02, "c": 0.02}


@pytest.mark.parametrize("others", [0, 40])
def test_a_cause_that_two_promises_absorb_is_no_gain_for_who_calls_both(others):
    """In a small graph, which is solved, and in a larger one, which is sampled."""
    edges, seen, promised = two_who_promised_above_one_cause()
    names = [*"dbca", *(f"x{i}" for i in range(others))]
    basis = basis_of(names, edges, seen, promised)

    after = [analysed(basis, {"a": 1.0 - u})["d"].after for u in (1e-4, 1e-3, 0.01, 0.019, 0.03, 0.05)]
    before = analysed(basis, {"a": 0.99})["d"].before

    assert after == sorted(after, reverse=True)
    assert after[3] == pytest.approx(before, abs=1e-12)
    assert after[-1] < before - 0.005


@pytest.mark.parametrize("others", [0, 40])
def test_a_promise_within_a_cycle_that_absorbs_half_a_cause_is_no_gain_for_the_cycle(others):
    """b promised far more than the cycle needs; half of what x fails reaches it, so that the mean of what arrives
    is more than what it costs.
    """
    edges = [edge("a", "b"), edge("b", "a"), edge("a", "x", DEGRADED)]
    names = [*"abx", *(f"y{i}" for i in range(others))]
    basis = basis_of(names, edges, dict.fromkeys("abx", 1e-4), {"b": 0.05, "x": 0.001})

    rows = [analysed(basis, {"x": 1.0 - u})["a"] for u in (0.002, 0.01, 0.05, 0.09, 0.2)]

    assert all(row.after <= row.before + 1e-12 for row in rows)
    assert [row.after for row in rows] == sorted((row.after for row in rows), reverse=True)
    assert rows[-1].after < rows[-1].before - 0.01


def test_a_tighter_cause_of_two_promises_is_no_loss_for_who_calls_both():
    edges, seen, promised = two_who_promised_above_one_cause()
    basis = basis_of(list("dbca"), edges, seen, {**promised, "a": 0.01})

    row = analysed(basis, {"a": 0.999})["d"]

    assert row.after == pytest.approx(row.before, abs=1e-12)


@given(cases(), st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_a_worse_objective_never_helps_a_caller(case, share):
    size, edges, shown, promised, changed = case
    names = [f"s{i}" for i in range(size)]
    basis = basis_of(
        names,
        [edge(f"s{i}", f"s{j}", c, w) for i, j, c, w in edges],
        {f"s{i}": u for i, u in enumerate(shown)},
        {f"s{i}": u for i, u in promised.items()},
    )
    held = np.exp(-(basis.standing.own + basis.standing.inherited)[basis.network.labels, 0])

    def looser(u, i):
        return float(held[i]) * (1.0 - u)

    worse = analysed(basis, {f"s{i}": looser(u, i) for i, u in changed.items()})
    better = analysed(basis, {f"s{i}": looser(share * u, i) for i, u in changed.items()})

    for name, row in worse.items():
        assert row.after <= better[name].after + 1e-12
        if row.distance > 0 and name not in {f"s{i}" for i in changed}:
            assert row.after <= row.before + 1e-12
