"""Measured pass-through, against organisations whose truth is known, and against another optimiser."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.optimize import minimize

from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.topology.additive_fit import AdditiveFit, additive_fit
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.observed_traffic import observed_traffic
from sloengine.domain.topology.pass_through import declared_pass_through, learn_pass_through
from tests.domain.topology.organisation import Truth, organisation
from tests.processor_time import processor_seconds


def recovered(truth: Truth, believed: dict[tuple[str, str], float]) -> None:
    """The bar: every edge within 0.1 of what the simulation did."""
    wrong = {
        pair: (f, truth.pass_through[pair])
        for pair, f in believed.items()
        if abs(f - truth.pass_through[pair]) > 0.1
    }
    assert not wrong


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("counted", [True, False], ids=["edge metrics", "service metrics only"])
def test_known_pass_through_is_recovered(seed, counted):
    truth = organisation(seed)

    model = learn_reliability(truth.graph, truth.panel, truth.edge_panel if counted else None, seed=1)

    measured = {pair: estimate.value for pair, estimate in model.measured_pass_through.items()}
    assert len(measured) > 0.8 * len(truth.pass_through)
    recovered(truth, measured)


def test_an_engine_that_ignores_the_graph_fails_that_test():
    truth = organisation(0)
    model = learn_reliability(truth.graph, truth.panel, truth.edge_panel, seed=1)

    with pytest.raises(AssertionError):
        recovered(truth, dict.fromkeys(model.measured_pass_through, 0.0))
    with pytest.raises(AssertionError):
        recovered(truth, dict.fromkeys(model.measured_pass_through, 1.0))


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    inside = total = 0
    for seed in range(8):
        truth = organisation(seed)
        model = learn_reliability(truth.graph, truth.panel, truth.edge_panel, seed=1)
        for pair, estimate in model.measured_pass_through.items():
            total += 1
            inside += estimate.low - 1e-9 <= truth.pass_through[pair] <= estimate.high + 1e-9

    assert inside / total > 0.88


def test_only_edges_that_pass_little_on_are_contradicted():
    for seed in range(8):
        truth = organisation(seed)
        model = learn_reliability(truth.graph, truth.panel, None, seed=1)
        assert all(truth.pass_through[pair] < 0.5 for pair in model.contradictions)
        low = {pair for pair in model.measured_pass_through if truth.pass_through[pair] <= 0.05}
        assert len(low & set(model.contradictions)) >= 0.8 * len(low)


def test_what_was_declared_stays_where_the_data_do_not_contradict_it():
    truth = organisation(3)
    soft = replace(
        truth.graph,
        dependencies=tuple(replace(d, criticality=DependencyCriticality.SOFT) for d in truth.graph.dependencies),
    )

    model = learn_reliability(soft, truth.panel, None, seed=1)

    for edge, dependency in enumerate(model.edges):
        measured = dependency.pair in model.contradictions or edge in model.pass_through.less
        assert (model.pass_through.in_use[edge] != 0.1) <= measured
        assert model.pass_through.in_use[edge] <= 0.1


def one_edge(bad_caller, bad_leaf, requests=1000.0):
    """A caller and its one dependency, hour by hour."""
    from sloengine.domain.reliability.panel import SliPanel
    from sloengine.domain.topology.graph import DependencyGraph
    from sloengine.domain.topology.service import Service
    from tests.domain.topology.organisation import HOUR, START

    bad = np.array([bad_caller, bad_leaf], float)
    total = np.full(bad.shape, requests)
    graph = DependencyGraph((Service("front"), Service("leaf")), (Dependency("front", "leaf", call_weight=1.0),))
    return graph, SliPanel(("front", "leaf"), START, HOUR, total - bad, total)


def test_one_episode_is_no_evidence():
    leaf = np.zeros(24 * 30)
    leaf[100:116] = 500.0  # sixteen hours, thousands of failed calls, and the caller never noticed
    graph, panel = one_edge(np.zeros(24 * 30), leaf)

    model = learn_reliability(graph, panel)

    assert model.contradictions == {}
    assert model.pass_through.in_use.tolist() == [1.0]


def test_many_episodes_that_never_reach_the_caller_are_a_contradiction():
    leaf = np.zeros(24 * 30)
    leaf[::40] = 300.0
    graph, panel = one_edge(np.zeros(24 * 30), leaf)

    model = learn_reliability(graph, panel)

    found = model.contradictions["front", "leaf"]
    assert found.declared_pass_through == 1.0
    assert found.measured_pass_through.value == 0.0
    assert found.measured_pass_through.high < 0.01
    assert "leaf" in found.message


def test_few_failed_calls_are_no_evidence():
    leaf = np.zeros(24 * 30)
    leaf[::60] = 1.0
    graph, panel = one_edge(np.zeros(24 * 30), leaf)

    model = learn_reliability(graph, panel)

    assert model.measured_pass_through == {}
    assert model.contradictions == {}


def test_a_refused_series_is_evidence_on_the_edge_and_listed_once():
    graph, panel = one_edge(np.zeros(24 * 30), np.full(24 * 30, 1000.0))

    model = learn_reliability(graph, panel, refused={"leaf": "no request has ever succeeded"})

    assert list(model.contradictions) == [("front", "leaf")]
    assert "no request has ever succeeded" in model.contradictions["front", "leaf"].message
    assert model.intrinsic_unavailability("leaf") is None


def test_a_refused_caller_is_no_evidence():
    leaf = np.zeros(24 * 30)
    leaf[::40] = 300.0
    graph, panel = one_edge(np.zeros(24 * 30), leaf)

    model = learn_reliability(graph, panel, refused={"front": "counter goes back"})

    assert model.measured_pass_through == {}


def test_the_fit_is_the_maximum_that_another_optimiser_finds():
    for seed in range(20):
        random = np.random.default_rng(seed)
        count, hours = int(random.integers(1, 9)), 300
        requests = random.poisson(1000, hours).astype(float)
        failed_calls = random.gamma(0.1, 50, (count, hours)) * (random.random((count, hours)) < 0.5)
        true = random.choice([0.0, 0.1, 0.5, 1.0], count)
        seen = random.poisson(2e-4 * requests + true @ failed_calls).astype(float)
        design = np.vstack([requests, failed_calls])

        def loss(theta, design=design, seen=seen):
            mean = theta @ design + 1e-9
            return (mean - seen * np.log(mean)).sum(), design @ (1 - seen / mean)

        reference = minimize(
            loss,
            np.append(1e-4, np.full(count, 0.3)),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] + [(0, 1)] * count,
            options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9},
        )
        fit = additive_fit(seen, requests, failed_calls, 24)

        assert loss(np.append(fit.base, fit.pass_through))[0] <= reference.fun + 1e-5 * abs(reference.fun)


def test_the_same_edge_gets_the_same_answer_in_a_part_of_the_graph():
    truth = organisation(5)
    whole = learn_reliability(truth.graph, truth.panel, truth.edge_panel, seed=9)
    front = next(d.caller for d in truth.graph.dependencies)
    part = truth.graph.subgraph([front, *(d.dependency for d in truth.graph.edges_by_caller[front])])

    small = learn_reliability(part, truth.panel, truth.edge_panel, seed=9)

    for pair, estimate in small.measured_pass_through.items():
        same = whole.measured_pass_through[pair]
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
            (same.value, same.low, same.high), abs=1e-5
        )
    assert set(small.contradictions) == {pair for pair in whole.contradictions if pair[0] == front}


@pytest.mark.parametrize("seed", [3, 5])
def test_what_cannot_be_reached_from_a_service_need_not_be_learnt_for_its_bound(seed: int):
    truth = organisation(seed)
    whole = learn_reliability(truth.graph, truth.panel, truth.edge_panel, seed=9)
    skipped = 0

    for root in sorted({d.caller for d in truth.graph.dependencies})[:6]:
        part = learn_reliability(truth.graph, truth.panel, truth.edge_panel, roots=[root], seed=9)
        skipped += len(whole.measured_pass_through) - len(part.measured_pass_through)
        expected = composite_bound(whole, root, window=timedelta(days=28)).bound
        found = composite_bound(part, root, window=timedelta(days=28)).bound
        assert (found.observed_ratio, found.independent_ratio, found.intrinsic_ratio) == pytest.approx(
            (expected.observed_ratio, expected.independent_ratio, expected.intrinsic_ratio), abs=1e-12
        )
        assert found.contradictions == expected.contradictions
        assert [c.service_id for c in found.contributions] == [c.service_id for c in expected.contributions]

    assert skipped > 0


def test_fits_made_before_change_no_answer_and_are_made_once():
    truth = organisation(3)
    fits: ContentMemo[AdditiveFit] = ContentMemo(1_000)
    alone = learn_reliability(truth.graph, truth.panel, seed=9)

    answers = [learn_reliability(truth.graph, truth.panel, fits=fits, seed=9) for _ in range(2)]

    assert alone.measured_pass_through
    for answer in answers:
        assert answer.measured_pass_through == alone.measured_pass_through
        assert answer.contradictions == alone.contradictions


def test_edges_learnt_some_at_a_time_get_the_same_answers():
    truth = organisation(3)
    traffic = observed_traffic(truth.graph, truth.panel, None)

    together, parted = (
        learn_pass_through(traffic, {}, seed=0, edges_together=count) for count in (len(traffic.edges), 2)
    )

    assert len(together.measured) > 4
    assert parted.measured.keys() == together.measured.keys()
    assert parted.in_use == pytest.approx(together.in_use, abs=1e-6)
    assert parted.failed_calls == pytest.approx(together.failed_calls, rel=1e-12)
    assert parted.contradictions.keys() == together.contradictions.keys()
    assert parted.less == together.less


def test_failed_calls_are_shared_out_by_traffic():
    truth = organisation(2)
    traffic = observed_traffic(truth.graph, truth.panel, None)

    attributed, _ = traffic.attributed(np.arange(len(traffic.edges)))

    by_leaf = np.zeros(len(truth.graph.services))
    np.add.at(by_leaf, traffic.dependencies, attributed.sum(axis=1))
    leaves = np.unique(traffic.dependencies)
    assert by_leaf[leaves] == pytest.approx(traffic.bad[leaves].sum(axis=1), rel=1e-9)


@pytest.mark.parametrize(
    ("mode", "criticality", "expected"),
    [
        (DependencyMode.SYNC, DependencyCriticality.HARD, 1.0),
        (DependencyMode.SYNC, DependencyCriticality.DEGRADED, 0.5),
        (DependencyMode.SYNC, DependencyCriticality.SOFT, 0.1),
        (DependencyMode.ASYNC, DependencyCriticality.HARD, 0.0),
    ],
)
def test_declared_pass_through(mode, criticality, expected):
    assert declared_pass_through(Dependency("a", "b", mode, criticality)) == expected


def test_a_small_subgraph_is_cheap():
    truth = organisation(1, hours=24 * 90, leaves=40, fronts=30)
    learn_reliability(truth.graph, truth.panel, truth.edge_panel)

    spent, _ = processor_seconds(lambda: learn_reliability(truth.graph, truth.panel, truth.edge_panel), 1.0)

    assert len(truth.graph.dependencies) > 80
    assert spent < 1.0
