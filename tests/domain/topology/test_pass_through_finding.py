"""Findings that are kept: the same numbers as learning afresh, and no longer used than they may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.pass_through import declared_pass_through, findings_of
from sloengine.domain.topology.pass_through_finding import (
    MAX_AGE,
    PassThroughBases,
    Verdict,
    standing_findings,
)
from sloengine.domain.topology.service import Service
from tests.domain.topology.findings import LEARNT_AT, finding
from tests.domain.topology.organisation import Truth, organisation

LOOKBACK = timedelta(days=90)


def found(truth: Truth, edge_panel, refused=()):
    """Everything learnt, as it would be kept."""
    model = learn_reliability(truth.graph, truth.panel, edge_panel, dict.fromkeys(refused, "not believed"))
    callers = {edge.caller for edge in model.edges}
    bases = PassThroughBases(truth.graph, LOOKBACK)
    return model, findings_of(model.traffic, model.pass_through, refused, bases.of, LEARNT_AT, callers)


@pytest.mark.parametrize("seed", [0, 3, 5])
@pytest.mark.parametrize("counted", [True, False], ids=["edge metrics", "service metrics only"])
def test_findings_of_the_same_data_give_what_learning_afresh_gives(seed: int, counted: bool):
    truth = organisation(seed)
    edge_panel = truth.edge_panel if counted else None
    afresh, findings = found(truth, edge_panel)

    model = learn_reliability(truth.graph, truth.panel, edge_panel, known=findings)

    assert model.pass_through.in_use.tolist() == afresh.pass_through.in_use.tolist()
    assert model.measured_pass_through == afresh.measured_pass_through
    assert model.contradictions == afresh.contradictions != {}
    assert model.pass_through.less == afresh.pass_through.less
    assert model.probability.tolist() == afresh.probability.tolist()
    for root in sorted({edge.caller for edge in afresh.edges})[:3]:
        bounds = [composite_bound(each, root, window=timedelta(days=28)).bound for each in (model, afresh)]
        assert bounds[0] == bounds[1]


def test_what_a_finding_says_is_used_and_callers_without_one_are_learnt_whole():
    truth = organisation(3)
    afresh, findings = found(truth, None)
    callers = sorted({edge.caller for edge in afresh.edges})
    said = {pair: replace(one, in_use=0.37) for pair, one in findings.items()}
    del said[next(pair for pair in said if pair[0] == callers[0])]

    model = learn_reliability(truth.graph, truth.panel, known=said)

    for edge, dependency in enumerate(model.edges):
        expected = afresh.pass_through.in_use[edge] if dependency.caller == callers[0] else 0.37
        assert model.pass_through.in_use[edge] == expected


def test_a_finding_made_without_telemetry_is_none_once_there_is_some():
    truth = organisation(3)
    afresh, findings = found(truth, None)
    blind = {pair: replace(one, seen=False, in_use=0.37) for pair, one in findings.items()}

    model = learn_reliability(truth.graph, truth.panel, known=blind)

    assert model.pass_through.in_use.tolist() == afresh.pass_through.in_use.tolist()


def test_a_caller_whose_series_is_refused_has_no_findings_and_uses_none():
    truth = organisation(3)
    _, findings = found(truth, None)
    caller = next(pair[0] for pair, one in findings.items() if one.verdict is not Verdict.DECLARED)
    _, while_refused = found(truth, None, refused=(caller,))

    model = learn_reliability(truth.graph, truth.panel, None, {caller: "not believed"}, known=findings)

    for edge, dependency in enumerate(model.edges):
        if dependency.caller == caller:
            assert model.pass_through.in_use[edge] == declared_pass_through(dependency)
    assert not any(one.seen for pair, one in while_refused.items() if pair[0] == caller)


def graph_of(*edges: Dependency) -> DependencyGraph:
    ids = sorted({end for edge in edges for end in edge.pair})
    return DependencyGraph(tuple(Service(one) for one in ids), edges)


EDGE = Dependency("a", "b", call_weight=2.0)
OTHER = Dependency("c", "b", call_weight=1.0)


@pytest.mark.parametrize(
    "changed",
    [
        (replace(EDGE, criticality=DependencyCriticality.SOFT), OTHER),
        (replace(EDGE, mode=DependencyMode.ASYNC), OTHER),
        (replace(EDGE, call_weight=2.5), OTHER),
        (replace(EDGE, call_weight=None), OTHER),
        (replace(EDGE, redundancy_group="g"), OTHER),
        (replace(EDGE, required=2), OTHER),
        (replace(EDGE, retry_config={"attempts": 3}), OTHER),
        (EDGE, replace(OTHER, call_weight=3.0)),
        (EDGE, replace(OTHER, retry_config={"attempts": 3})),
        (EDGE, replace(OTHER, is_stale=True)),
        (EDGE,),
        (EDGE, OTHER, Dependency("a", "d")),
        (EDGE, OTHER, Dependency("d", "b")),
    ],
)
def test_what_changes_how_an_edge_is_learnt_changes_its_basis(changed: tuple[Dependency, ...]):
    before = PassThroughBases(graph_of(EDGE, OTHER), LOOKBACK).of("a")

    assert PassThroughBases(graph_of(*changed), LOOKBACK).of("a") != before
    assert PassThroughBases(graph_of(EDGE, OTHER), LOOKBACK / 3).of("a") != before


@pytest.mark.parametrize(
    "changed",
    [
        (replace(EDGE, confidence=0.5, last_observed_at=LEARNT_AT, protocol="grpc", timeout_ms=9), OTHER),
        (replace(EDGE, call_weight=2.01), OTHER),
        (OTHER, EDGE),
        (EDGE, OTHER, Dependency("c", "d")),
        (EDGE, OTHER, Dependency("a", "d", is_stale=True)),
    ],
)
def test_what_does_not_leaves_it(changed: tuple[Dependency, ...]):
    assert PassThroughBases(graph_of(*changed), LOOKBACK).of("a") == PassThroughBases(
        graph_of(EDGE, OTHER), LOOKBACK
    ).of("a")


def test_findings_stand_while_they_are_young_on_the_same_basis_and_not_void():
    bases = PassThroughBases(graph_of(EDGE, OTHER), LOOKBACK)
    kept = {EDGE.pair: finding(Estimate(0.5, 0.4, 0.6), basis=bases.of("a"))}

    def standing(after: timedelta, void: timedelta | None = None):
        void_before = None if void is None else LEARNT_AT + void
        return standing_findings(kept, bases, as_of=LEARNT_AT + after, void_before=void_before)

    assert standing(timedelta(hours=30)) == kept
    assert standing(-timedelta(hours=1)) == kept
    assert standing(MAX_AGE + timedelta(minutes=1)) == {}
    assert standing(-MAX_AGE - timedelta(minutes=1)) == {}
    assert standing(timedelta(hours=1), void=-timedelta(hours=1)) == kept
    assert standing(timedelta(hours=1), void=timedelta(0)) == {}
    other = PassThroughBases(graph_of(EDGE), LOOKBACK)
    assert standing_findings(kept, other, as_of=LEARNT_AT, void_before=None) == {}
