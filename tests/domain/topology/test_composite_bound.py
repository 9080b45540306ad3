"""The composite bound: its laws, its exactness, and what it says of missing knowledge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service
from tests.domain.topology import brute_force
from tests.domain.topology.organisation import HOUR, START, organisation

WINDOW = timedelta(days=28)
CRITICALITIES = list(DependencyCriticality)


def panel_of(failures: dict[str, np.ndarray], requests: float = 1000.0) -> SliPanel:
    """Hourly failed requests by service."""
    names = tuple(failures)
    bad = np.array([failures[name] for name in names], float)
    total = np.full(bad.shape, requests)
    return SliPanel(names, START, HOUR, total - bad, total)


def graph_of(*edges: Dependency, extra: tuple[Service, ...] = ()) -> DependencyGraph:
    named = {service.service_id for service in extra}
    ids = sorted({end for edge in edges for end in edge.pair} - named)
    return DependencyGraph((*(Service(i) for i in ids), *extra), edges)


def call(caller: str, dependency: str, **attributes) -> Dependency:
    return Dependency(caller, dependency, **{"call_weight": 1.0, **attributes})


def bound_of(graph, panel, root="root", *, promises=None, max_depth=3, **learning):
    model = learn_reliability(graph, panel, **learning)
    return composite_bound(model, root, window=WINDOW, promises=promises, max_depth=max_depth)


def spread(total: float, at: int, hours: int = 240) -> np.ndarray:
    """``total`` failed requests in one hour."""
    series = np.zeros(hours)
    series[at] = total
    return series


@st.composite
def observed_graphs(draw):
    size = draw(st.integers(2, 6))
    ids = [f"s{i}" for i in range(size)]
    pairs = [(a, b) for a in ids for b in ids if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=10, unique=True))
    edges = [
        Dependency(
            *pair,
            mode=draw(st.sampled_from([DependencyMode.SYNC, DependencyMode.SYNC, DependencyMode.ASYNC])),
            criticality=draw(st.sampled_from(CRITICALITIES)),
            call_weight=draw(st.sampled_from([0.2, 1.0, 3.0])),
            redundancy_group=draw(st.sampled_from([None, None, None, "g"])),
        )
        for pair in chosen
    ]
    hours = 10  # too few windows for the data to contradict anything
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    failures = {
        i: random.binomial(1000, 0.02, hours) * (random.random(hours) < draw(st.sampled_from([0.0, 0.3, 1.0])))
        for i in ids[draw(st.integers(0, 1)) :]
    }
    graph = DependencyGraph(tuple(Service(i) for i in ids), tuple(edges))
    return graph, panel_of(failures)


@given(observed_graphs())
@settings(max_examples=300, deadline=None)
def test_the_bound_allows_for_each_direct_dependency(made):
    graph, panel = made

    model = learn_reliability(graph, panel)
    bound = composite_bound(model, "s0", window=WINDOW, promises={}).bound

    assert 0.0 <= bound.observed_ratio <= 1.0
    for edge, dependency in enumerate(model.edges):
        shown = model.shown[graph.index[dependency.dependency]]
        if dependency.caller == "s0" and dependency.redundancy_group is None and np.isfinite(shown):
            q = min(1.0, model.call_weights[edge])
            assert bound.observed_ratio <= 1.0 - q * model.pass_through.in_use[edge] * shown + 1e-9


@given(observed_graphs())
@settings(max_examples=200, deadline=None)
def test_contributions_are_part_of_the_whole(made):
    graph, panel = made

    bound = composite_bound(learn_reliability(graph, panel), "s0", window=WINDOW, promises={}).bound

    assert sum(c.share_ratio for c in bound.contributions) <= 1.0 + 1e-9
    minutes = (1.0 - bound.observed_ratio) * 28 * 24 * 60
    for contribution in bound.contributions:
        assert contribution.service_id != "s0"
        assert contribution.budget_minutes == pytest.approx(contribution.share_ratio * minutes, abs=1e-6)


@given(observed_graphs())
@settings(max_examples=100, deadline=None)
def test_shares_own_part_and_draws_say_the_same(made):
    graph, short = made
    good, total = np.tile(short.good, 3), np.tile(short.total, 3)  # long enough to be traced
    model = learn_reliability(graph, SliPanel(short.service_ids, START, HOUR, good, total))

    result = composite_bound(model, "s0", window=WINDOW)

    if result.trace is None:
        assert "s0" not in short.rows or (good[0] == total[0]).all()
        return
    bound, carried = result.bound, result.inherited
    listed = sum(part.share_ratio for part in bound.contributions)
    inherited = 1.0 - bound.observed_ratio / bound.intrinsic_ratio
    assert inherited == pytest.approx((1.0 - bound.observed_ratio) * listed, abs=1e-5)
    drawn = -np.expm1(-(carried.source_hazard + carried.others))
    assert drawn == pytest.approx(inherited, abs=1e-9)
    if len(set(model.contracted.labels)) == len(graph.services):
        by_name = dict.fromkeys((source.service_id for source in carried.sources), 0.0)
        for source, share in zip(carried.sources, carried.shares, strict=True):
            by_name[source.service_id] += share
        traced = {part.service_id: part.share_ratio for part in bound.contributions}
        if all(name in by_name for name in traced) and not model.aliases:
            assert by_name == pytest.approx({name: traced.get(name, 0.0) for name in by_name}, abs=0.01)


@given(
    st.lists(st.floats(0.0, 0.05), min_size=1, max_size=5),
    st.integers(0, 4),
    st.floats(0.0, 1.0),
    st.integers(0, 1000),
)
@settings(max_examples=200, deadline=None)
def test_a_better_dependency_never_makes_its_caller_worse(ratios, which, factor, seed):
    which %= len(ratios)
    random = np.random.default_rng(seed)
    graph = graph_of(
        *(
            call(
                "root",
                f"d{i}",
                criticality=CRITICALITIES[int(random.integers(3))],
                call_weight=float(random.choice([0.3, 1.0, 2.0])),
            )
            for i in range(len(ratios))
        )
    )
    shape = {f"d{i}": 1000 * ratio * (random.random(10) < 0.6) for i, ratio in enumerate(ratios)}
    better = {name: series * (factor if name == f"d{which}" else 1.0) for name, series in shape.items()}

    before, after = bound_of(graph, panel_of(shape)).bound, bound_of(graph, panel_of(better)).bound

    assert after.observed_ratio >= before.observed_ratio - 1e-9
    assert after.independent_ratio >= before.independent_ratio - 1e-9


@given(observed_graphs())
@settings(max_examples=100, deadline=None)
def test_the_independent_value_is_what_enumeration_gives_for_own_failures(made):
    graph, panel = made
    graph = replace(graph, dependencies=tuple(d for d in graph.dependencies if d.redundancy_group is None))
    model = learn_reliability(graph, panel)
    if model.aliases or any(len(members) > 1 for members in model.members):
        return  # those have tests of their own

    result = composite_bound(model, "s0", window=WINDOW, promises={}, max_depth=9)

    own = [-float(np.expm1(-h)) for h in model.intrinsic.service_hazard]
    own[0] = result.own_unavailability
    edges = [
        (graph.index[d.caller], graph.index[d.dependency], float(p))
        for d, p in zip(model.edges, model.probability, strict=True)
        if p > 0
    ]
    if len(edges) <= 7:
        expected = brute_force.failure_probability(0, own, edges)
        assert 1.0 - result.bound.independent_ratio == pytest.approx(expected, abs=1e-9)


def test_a_diamond_counts_its_foot_once():
    graph = graph_of(call("root", "a"), call("root", "b"), call("a", "db"), call("b", "db"))
    steady = np.full(240, 10.0)
    failures = {"a": steady, "b": steady, "db": steady}  # a and b fail because db does

    bound = bound_of(graph, panel_of(failures)).bound

    assert bound.observed_ratio == pytest.approx(0.99, abs=1e-6)
    assert [c.service_id for c in bound.contributions] == ["db"]


def test_the_bound_agrees_with_what_a_consistent_service_showed():
    graph = graph_of(call("root", "a"), call("a", "b"))
    failures = {"root": np.full(240, 15.0), "a": np.full(240, 10.0), "b": np.full(240, 4.0)}

    result = bound_of(graph, panel_of(failures))

    assert result.bound.observed_ratio == pytest.approx(0.985, abs=1e-9)
    assert result.bound.intrinsic_ratio == pytest.approx(0.985 / 0.99, abs=1e-6)


def test_dependencies_that_fail_in_the_same_hour_cost_it_once():
    graph = graph_of(call("root", "a"), call("root", "b"))
    together = {"a": spread(1000, 5), "b": spread(1000, 5)}
    apart = {"a": spread(1000, 5), "b": spread(1000, 50)}

    joint, separate = bound_of(graph, panel_of(together)).bound, bound_of(graph, panel_of(apart)).bound

    assert 1.0 - joint.observed_ratio == pytest.approx(1 / 240, rel=1e-3)
    assert 1.0 - joint.independent_ratio == pytest.approx(2 / 240, rel=5e-3)
    assert 1.0 - separate.observed_ratio == pytest.approx(2 / 240, rel=1e-3)


def test_replicas_that_fall_together_are_not_redundant():
    graph = graph_of(call("root", "r1", redundancy_group="r"), call("root", "r2", redundancy_group="r"))
    hours = np.zeros(240)
    hours[[10, 60, 130, 200]] = 1000.0

    bound = bound_of(graph, panel_of({"r1": hours, "r2": hours.copy()})).bound

    assert 1.0 - bound.observed_ratio == pytest.approx(4 / 240, rel=1e-3)
    assert 1.0 - bound.independent_ratio == pytest.approx((4 / 240) ** 2, rel=1e-2)


def test_replicas_that_fail_apart_are_redundant():
    graph = graph_of(call("root", "r1", redundancy_group="r"), call("root", "r2", redundancy_group="r"))
    first, second = np.zeros(240), np.zeros(240)
    first[[10, 60, 130]], second[[30, 90, 170]] = 1000.0, 1000.0

    bound = bound_of(graph, panel_of({"r1": first, "r2": second})).bound

    assert 1.0 - bound.observed_ratio == pytest.approx((3 / 240) ** 2, rel=1e-2)
    assert not any("common cause" in note for note in bound.assumptions)


def test_without_joint_data_a_tenth_is_common_cause_and_said_so():
    graph = graph_of(call("root", "r1", redundancy_group="r"), call("root", "r2", redundancy_group="r"))

    bound = bound_of(graph, panel_of({"r1": spread(1000, 5), "r2": spread(1000, 50)})).bound

    u = 1 / 240
    residual = 1 - (1 - u) / (1 - 0.1 * u)
    assert 1.0 - bound.observed_ratio == pytest.approx(0.1 * u + (1 - 0.1 * u) * residual**2, rel=1e-3)
    assert any("10 % common cause" in note for note in bound.assumptions)


def test_two_names_of_one_thing_count_once():
    graph = graph_of(call("root", "search"), call("root", "search-lb"))
    series = np.zeros(240)
    series[[5, 40, 41, 90]] = [100, 300, 200, 50]

    model = learn_reliability(graph, panel_of({"search": series, "search-lb": series.copy()}))
    bound = composite_bound(model, "root", window=WINDOW).bound

    assert model.alias_names == (("search", "search-lb"),)
    assert 1.0 - bound.independent_ratio == pytest.approx(650 / 240_000, rel=1e-6)
    assert any("counted once" in note for note in bound.assumptions)


def test_services_that_share_a_failing_dependency_are_no_aliases():
    graph = graph_of(call("root", "a"), call("root", "b"), call("a", "db"), call("b", "db"))
    series = np.zeros(240)
    series[[5, 40, 41, 90]] = [100, 300, 200, 50]

    model = learn_reliability(graph, panel_of({"a": series, "b": series.copy(), "db": series.copy()}))

    assert model.alias_names == ()


def test_what_nobody_knows_is_said():
    graph = graph_of(
        Dependency("root", "a", assumed=("mode", "criticality")),
        call("root", "mail"),
        call("a", "dark"),
        replace(call("root", "old"), is_stale=True),
        extra=(Service("mail", external=True, published_availability_ratio=0.999),),
    )

    bound = bound_of(graph, panel_of({"a": np.full(240, 1.0)}), refused={"dark": "never"}).bound

    said = " ".join(bound.assumptions)
    assert "root has no telemetry" in said
    assert "Call weight not known, counted as 1: root → a" in said
    assert "SYNC assumed" in said
    assert "HARD assumed" in said
    assert "mail is not monitored: its published 99.9 %" in said
    assert "dark is not believed (never)" in said
    assert "root → old" in said
    assert 1.0 - bound.observed_ratio == pytest.approx(1 - 0.999 * (1 - 0.0011), rel=1e-3)


def test_own_observation_of_a_provider_comes_before_its_published_figure():
    graph = graph_of(call("root", "mail"), extra=(Service("mail", published_availability_ratio=0.95),))

    bound = bound_of(graph, panel_of({"mail": np.full(240, 1.0)})).bound

    assert 1.0 - bound.observed_ratio == pytest.approx(0.001, rel=0.01)
    assert not any("published" in note for note in bound.assumptions)


def test_an_unknown_call_weight_leaves_room_for_no_more_than_the_traffic():
    bad = np.array([np.full(240, 0.0), np.full(240, 1.0)])
    total = np.array([np.full(240, 1000.0), np.full(240, 100.0)])
    panel = SliPanel(("root", "rare"), START, HOUR, total - bad, total)
    graph = graph_of(Dependency("root", "rare", criticality=DependencyCriticality.HARD))

    model = learn_reliability(graph, panel)

    assert model.call_weights.tolist() == pytest.approx([0.1])


def test_a_cycle_fails_as_one():
    graph = graph_of(call("root", "a"), call("a", "b"), call("b", "a"))
    first, second = np.zeros(240), np.zeros(240)
    first[10], second[100] = 1000.0, 1000.0

    bound = bound_of(graph, panel_of({"a": first, "b": second})).bound

    assert 1.0 - bound.observed_ratio == pytest.approx(2 / 240, rel=0.02)
    assert {c.service_id for c in bound.contributions} == {"a", "b"}


def test_a_root_in_a_cycle_inherits_the_others():
    graph = graph_of(call("root", "a"), call("a", "root"))

    bound = bound_of(graph, panel_of({"root": np.zeros(240), "a": spread(1000, 5)})).bound

    assert 1.0 - bound.observed_ratio == pytest.approx(1 / 240, rel=0.02)


def test_deeper_failures_are_in_the_rim_and_counted_once():
    edges = [call("root", "a"), call("a", "b"), call("b", "c"), call("c", "d")]
    edges += [call("root", "e"), call("e", "f"), call("f", "g"), call("g", "d")]
    steady = np.full(240, 10.0)
    failures = dict.fromkeys("abcdefg", steady)

    shallow = bound_of(graph_of(*edges), panel_of(failures), max_depth=3).bound
    deep = bound_of(graph_of(*edges), panel_of(failures), max_depth=9).bound

    assert shallow.observed_ratio == pytest.approx(0.99, abs=1e-5)
    assert deep.observed_ratio == pytest.approx(0.99, abs=1e-5)


def test_promises_are_a_worst_case_of_their_own():
    graph = graph_of(call("root", "a"), call("root", "b", criticality=DependencyCriticality.SOFT), call("a", "c"))
    failures = {"root": np.full(240, 2.0), "a": np.full(240, 1.0), "b": np.zeros(240), "c": np.full(240, 0.5)}

    result = bound_of(graph, panel_of(failures), promises={"a": 0.995, "b": 0.99, "root": 0.999})

    own = result.own_unavailability
    assert result.promised_ratio == pytest.approx((1 - own) * 0.995 * (1 - 0.1 * 0.01), abs=1e-9)
    gaps = {c.service_id: c.promise_gap_ratio for c in result.bound.contributions}
    assert gaps["a"] == pytest.approx(0.9999 - 0.995)


def test_nobody_promised_anything():
    graph = graph_of(call("root", "a"))

    assert bound_of(graph, panel_of({"a": np.ones(240)})).promised_ratio is None


def test_one_more_nine_is_checked():
    graph = graph_of(call("root", "good"), call("root", "bad"))
    failures = {"root": np.full(240, 10.0), "good": np.full(240, 1.0), "bad": np.full(240, 5.0)}

    bound = bound_of(graph, panel_of(failures)).bound

    assert {c.service_id: c.one_more_nine for c in bound.contributions} == {"good": True, "bad": False}


def test_a_contradicted_dependency_is_replaced_and_reported():
    truth = organisation(0)
    model = learn_reliability(truth.graph, truth.panel, None, seed=1)
    root = next(iter(model.contradictions))[0]

    bound = composite_bound(model, root, window=WINDOW).bound

    assert {(c.caller, c.dependency) for c in bound.contradictions} == {
        p for p in model.contradictions if p[0] == root
    }


def test_the_same_seed_gives_the_same_bound():
    truth = organisation(4)

    first, second = (
        composite_bound(
            learn_reliability(truth.graph, truth.panel, seed=3), "front-0", window=WINDOW, seed=3
        ).bound
        for _ in range(2)
    )

    assert first == second


def test_draws_have_the_mean_of_what_they_are_drawn_from():
    graph = graph_of(call("root", "a"), call("root", "b", criticality=DependencyCriticality.SOFT))
    failures = {"root": np.full(240, 5.0), "a": np.full(240, 2.0), "b": np.full(240, 10.0)}
    result = bound_of(graph, panel_of(failures))
    random = np.random.default_rng(0)
    predictive = {
        name: random.gamma(2.0, mean / 2.0, 4000) for name, mean in (("root", 0.005), ("a", 0.002), ("b", 0.01))
    }

    draws = result.joint_draws(4000, np.random.default_rng(1), predictive)

    assert draws is not None
    assert draws.shape == (4000,)
    assert draws.mean() == pytest.approx(0.005, rel=0.05)
    assert draws.std() > 0.0


def test_draws_are_worse_than_the_roots_own_where_dependencies_are():
    graph = graph_of(call("root", "a"))
    failures = {"root": np.full(240, 1.0), "a": np.concatenate([np.zeros(236), np.full(4, 500.0)])}
    result = bound_of(graph, panel_of(failures))
    assert result.bound.observed_ratio < 0.995
    random = np.random.default_rng(0)
    predictive = {"root": random.gamma(2.0, 0.0005, 4000), "a": random.gamma(2.0, 0.0042, 4000)}

    draws = result.joint_draws(4000, np.random.default_rng(1), predictive)

    assert draws is not None
    assert np.quantile(draws, 0.9) > np.quantile(predictive["root"], 0.9)


def test_without_any_draws_there_is_nothing_to_say():
    graph = graph_of(call("root", "a"))

    assert bound_of(graph, panel_of({"a": np.ones(240)})).joint_draws(10, np.random.default_rng(0), {}) is None


def test_an_unknown_root_is_refused():
    model = learn_reliability(graph_of(call("root", "a")), panel_of({"a": np.ones(240)}))

    with pytest.raises(KeyError):
        composite_bound(model, "nobody", window=WINDOW)


def test_a_graph_without_telemetry_says_only_that():
    graph = graph_of(call("root", "a"))
    empty = SliPanel((), START, HOUR, np.zeros((0, 0)), np.zeros((0, 0)))

    bound = bound_of(graph, empty).bound

    assert bound.observed_ratio == 1.0
    assert any("root has no telemetry" in note for note in bound.assumptions)
    assert any("no telemetry and no published figure for a" in note for note in bound.assumptions)
