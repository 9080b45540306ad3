"""Failed requests traced to those that caused them: conservation, exact cases, and what must not be blamed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import DependencyCriticality
from sloengine.domain.topology.failure_trace import FailureTrace, trace_failures
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service
from tests.domain.topology.organisation import HOUR, START
from tests.domain.topology.test_composite_bound import call, graph_of, observed_graphs, panel_of, spread

HOURS = 240


def traced(graph: DependencyGraph, panel: SliPanel, root: str = "root", **learning) -> FailureTrace | None:
    model = learn_reliability(graph, panel, **learning)
    return trace_failures(model, graph.index[root])


def counts(trace: FailureTrace | None, graph: DependencyGraph) -> dict[str, float]:
    """Failed requests by the id of the service that caused them, nothing left out but zeros."""
    assert trace is not None
    names = [service.service_id for service in graph.services]
    return {names[at]: float(part.sum()) for at, part in trace.caused.items() if part.sum() > 0.0}


@given(observed_graphs())
@settings(max_examples=100, deadline=None)
def test_parts_add_up_to_all_failed_requests_in_every_interval(made):
    graph, panel = made
    model = learn_reliability(graph, panel)

    for root in range(len(graph.services)):
        trace = trace_failures(model, root)
        if trace is None:
            assert model.traffic.bad[root].sum() == 0.0
            continue
        assert all((part >= 0.0).all() for part in trace.caused.values())
        together = sum(trace.by_interval(service) for service in trace.caused)
        assert together == pytest.approx(model.traffic.bad[root], abs=1e-9)
        assert sum(trace.shares.values()) == pytest.approx(1.0, abs=1e-9)


@given(observed_graphs())
@settings(max_examples=60, deadline=None)
def test_a_dependency_that_never_failed_is_not_blamed(made):
    graph, panel = made
    good = panel.good.copy()
    good[-1] = panel.total[-1]
    model = learn_reliability(graph, SliPanel(panel.service_ids, panel.start_at, panel.step, good, panel.total))
    blameless = graph.index[panel.service_ids[-1]]

    for root in range(len(graph.services)):
        trace = trace_failures(model, root)
        assert trace is None or trace.shares.get(blameless, 0.0) == 0.0


@given(observed_graphs(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_services_and_edges_does_not_matter(made, random):
    graph, panel = made
    services, edges = list(graph.services), list(graph.dependencies)
    random.shuffle(services)
    random.shuffle(edges)
    other = DependencyGraph(tuple(services), tuple(edges))

    before, after = traced(graph, panel, "s0"), traced(other, panel, "s0")

    if before is None:
        assert after is None
    else:
        assert counts(after, other) == pytest.approx(counts(before, graph), abs=1e-6)


def test_each_incident_belongs_to_where_it_began():
    graph = graph_of(call("root", "a"), call("root", "b"), call("a", "db"), call("b", "db"))
    of_db, of_a, of_root = spread(300.0, 10), spread(200.0, 50), spread(100.0, 90)
    failures = {"db": of_db, "a": of_db + of_a, "b": of_db, "root": of_db + of_a + of_root}
    total = np.full((4, HOURS), 1000.0)
    total[0] = 2000.0  # a and b both call it once
    bad = np.array([failures[name] * (2 if name == "db" else 1) for name in failures])
    panel = SliPanel(tuple(failures), START, HOUR, total - bad, total)

    found = counts(traced(graph, panel), graph)

    assert found == pytest.approx({"db": 300.0, "a": 200.0, "root": 100.0})


def test_a_quiet_level_is_divided_by_sums_not_hour_by_hour():
    """Own failures of 1 in 10,000 beside a dependency of 20: cutting hour by hour would say several times that."""
    random = np.random.default_rng(5)
    own, brought = random.poisson(0.1, (2, 20_000)), random.poisson(2.0, (2, 20_000))
    graph = graph_of(call("root", "a"), call("other", "a"))
    bad = np.array([own[0] + brought[0], own[1] + brought[1], brought.sum(axis=0)], float)
    total = np.array([np.full(20_000, 1000.0), np.full(20_000, 1000.0), np.full(20_000, 2000.0)])
    panel = SliPanel(("root", "other", "a"), START, HOUR, total - bad, total)

    found = counts(traced(graph, panel), graph)

    assert found["root"] == pytest.approx(own[0].sum(), rel=0.25)


def test_two_that_strike_the_same_hour_answer_in_proportion():
    graph = graph_of(call("root", "a"), call("root", "b"))
    panel = panel_of({"root": spread(300.0, 10), "a": spread(300.0, 10), "b": spread(100.0, 10)})

    found = counts(traced(graph, panel), graph)

    assert found == pytest.approx({"a": 225.0, "b": 75.0})


def test_what_was_counted_on_the_edge_goes_before_what_all_callers_saw():
    graph = graph_of(call("root", "a"), call("other", "a"))
    panel = panel_of({"root": spread(200.0, 10), "other": np.zeros(HOURS), "a": spread(200.0, 10)})
    calls = np.full((2, HOURS), 500.0)
    failed = np.array([spread(200.0, 10), np.zeros(HOURS)])
    edges = EdgePanel((("root", "a"), ("other", "a")), START, HOUR, calls, failed)

    counted, shared = counts(traced(graph, panel, edge_panel=edges), graph), counts(traced(graph, panel), graph)

    assert counted == pytest.approx({"a": 200.0})
    assert shared == pytest.approx({"a": 100.0, "root": 100.0})


def test_replicas_answer_only_for_hours_in_which_too_few_were_left():
    graph = graph_of(
        call("root", "left", redundancy_group="db"),
        call("root", "right", redundancy_group="db"),
        call("root", "x"),
    )
    both = spread(1000.0, 30)
    panel = panel_of(
        {
            "left": spread(1000.0, 10) + both,
            "right": both,
            "x": np.zeros(HOURS),
            "root": both + spread(50.0, 10),
        }
    )

    found = counts(traced(graph, panel), graph)

    assert found == pytest.approx({"left": 500.0, "right": 500.0, "root": 50.0})


def test_two_names_of_one_thing_bring_its_failures_once():
    graph = graph_of(call("root", "search"), call("root", "search-lb"))
    random = np.random.default_rng(3)
    of_search = random.poisson(20.0, HOURS) * (random.random(HOURS) < 0.3) * 1.0
    own = spread(400.0, 7)
    panel = panel_of({"search": of_search, "search-lb": of_search, "root": of_search + own})
    model = learn_reliability(graph, panel)
    assert model.alias_of == {graph.index["search"]: 1, graph.index["search-lb"]: 1}

    found = counts(trace_failures(model, graph.index["root"]), graph)

    assert found["root"] == pytest.approx(400.0, rel=0.02)
    assert found["search"] == pytest.approx(found["search-lb"])


def test_failures_that_go_round_a_cycle_end_where_they_began():
    back = call("b", "a", criticality=DependencyCriticality.SOFT, call_weight=0.5)
    graph = graph_of(call("root", "a"), call("a", "b"), back)
    bad = np.array([spread(300.0, 10), spread(600.0, 10), spread(600.0, 10)])
    total = np.array([np.full(HOURS, 1000.0), np.full(HOURS, 2000.0), np.full(HOURS, 2000.0)])
    panel = SliPanel(("root", "a", "b"), START, HOUR, total - bad, total)

    found = counts(traced(graph, panel), graph)

    # b calls a softly, which may have brought it 30 of its 600. Once round, no origin is left to look for.
    assert found == pytest.approx({"b": 285.0, "a": 15.0})
    assert sum(found.values()) == pytest.approx(300.0)
    assert "root" not in found


def test_a_provider_without_telemetry_is_expected_to_fail_as_it_published():
    provider = Service("mail", external=True, published_availability_ratio=0.999)
    graph = graph_of(call("root", "mail"), extra=(provider,))
    panel = panel_of({"root": np.full(HOURS, 2.0)})

    found = counts(traced(graph, panel), graph)

    assert found == pytest.approx({"mail": 1.1 * HOURS, "root": 0.9 * HOURS})


def test_nothing_is_traced_that_did_not_fail_or_cannot_be_believed():
    graph = graph_of(call("root", "a"))

    assert traced(graph, panel_of({"root": np.zeros(HOURS), "a": np.ones(HOURS)})) is None
    refused = {"root": "no request has ever succeeded"}
    assert traced(graph, panel_of({"root": np.full(HOURS, 1000.0)}), refused=refused) is None


@pytest.mark.parametrize("counted", [False, True])
def test_replicas_bring_no_more_than_the_requests_that_use_them(counted):
    """One request in a hundred needs the group, which is down for an hour in which another call loses a tenth."""
    weight = None if counted else 0.01
    graph = graph_of(
        call("root", "left", redundancy_group="db", call_weight=weight),
        call("root", "right", redundancy_group="db", call_weight=weight),
        call("root", "x"),
    )
    calls = 1000.0 if counted else 10.0  # counted: most of them are other callers', whom the graph does not hold
    failed = {
        "root": spread(110.0, 30) + spread(40.0, 90),
        "left": spread(calls, 30) + spread(calls, 10),
        "right": spread(calls, 30) + spread(calls, 50),
        "x": spread(100.0, 30) + spread(40.0, 90),
    }
    panel = panel_of(failed)
    total = panel.total.copy()
    total[1:3] = calls
    panel = SliPanel(panel.service_ids, START, HOUR, total - np.array(list(failed.values())), total)
    of_root = np.full((2, HOURS), 5.0)
    down = np.array([spread(5.0, 30) + spread(5.0, 10), spread(5.0, 30) + spread(5.0, 50)])
    edges = EdgePanel((("root", "left"), ("root", "right")), START, HOUR, of_root, down)

    found = counts(traced(graph, panel, edge_panel=edges if counted else None), graph)

    assert found == pytest.approx({"left": 5.0, "right": 5.0, "x": 140.0})


def test_replicas_that_are_tried_again_fail_their_caller_by_calls_and_not_by_attempts():
    """Half of the calls to each fail with both attempts: two thirds of the attempts, a quarter of the requests."""
    graph = graph_of(
        call("root", "left", redundancy_group="db", retry_config={"attempts": 2}),
        call("root", "right", redundancy_group="db", retry_config={"attempts": 2}),
        call("root", "x"),
    )
    failed = {
        "root": spread(500.0, 30) + spread(40.0, 90),
        "left": spread(1000.0, 30) + spread(1000.0, 10),
        "right": spread(1000.0, 30) + spread(1000.0, 50),
        "x": spread(250.0, 30) + spread(40.0, 90),
    }
    bad = np.array(list(failed.values()))
    total = np.full(bad.shape, 1000.0)
    total[1:3][bad[1:3] > 0.0] = 1500.0
    panel = SliPanel(tuple(failed), START, HOUR, total - bad, total)

    found = counts(traced(graph, panel), graph)

    assert found == pytest.approx({"left": 125.0, "right": 125.0, "x": 290.0})
