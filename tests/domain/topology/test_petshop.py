"""A real application over 49 hours: contradicting dependencies, refused series, components without metrics."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.graph_reliability import learn_reliability
from tests.domain.topology.petshop import (
    FRONT,
    PET_SEARCH,
    REQUEST_WEIGHTED,
    SERVI_PETSI,
    STATE_MACHINE,
    never_working,
    petshop,
)

pytestmark = pytest.mark.real_data
WINDOW = timedelta(days=28)


@pytest.fixture(scope="module")
def data():
    return petshop()


@pytest.fixture(scope="module")
def model(data):
    graph, panel = data
    return learn_reliability(graph, panel, refused=never_working(panel), seed=1)


@pytest.mark.parametrize("refuse", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_contradicted_edges_out_of_the_front_are_named_and_no_other(data, refuse, seed):
    graph, panel = data

    found = learn_reliability(
        graph, panel, refused=never_working(panel) if refuse else {}, seed=seed
    ).contradictions

    assert {dependency for caller, dependency in found if caller == FRONT} == {STATE_MACHINE, SERVI_PETSI}
    assert (FRONT, PET_SEARCH) not in found


def test_the_caps_are_those_of_the_trial(model):
    assert model.contradictions[FRONT, STATE_MACHINE].measured_pass_through.value == pytest.approx(0.0, abs=0.01)
    assert model.contradictions[FRONT, STATE_MACHINE].measured_pass_through.high == pytest.approx(0.15, abs=0.03)
    assert model.contradictions[FRONT, SERVI_PETSI].measured_pass_through.high == pytest.approx(0.22, abs=0.03)


def test_the_composite_is_what_the_front_delivered(model):
    bound = composite_bound(model, FRONT, window=WINDOW).bound

    assert bound.observed_ratio == pytest.approx(REQUEST_WEIGHTED, abs=0.0005)
    assert bound.observed_ratio < bound.intrinsic_ratio < 1.0
    assert {c.dependency for c in bound.contradictions if c.caller == FRONT} == {STATE_MACHINE, SERVI_PETSI}


def test_fitted_on_one_half_it_holds_on_the_other(data):
    graph, panel = data
    middle = panel.start_at + panel.step * (panel.total.shape[1] // 2)
    halves = panel.between(panel.start_at, middle), panel.between(middle, panel.ends_at)

    for fitted, other in (halves, halves[::-1]):
        model = learn_reliability(graph, fitted, refused=never_working(fitted), seed=1)
        row = other.rows[FRONT]
        delivered = np.nansum(other.good[row]) / np.nansum(other.total[row])
        assert composite_bound(model, FRONT, window=WINDOW).bound.observed_ratio == pytest.approx(
            delivered, abs=0.005
        )


def test_declared_values_alone_would_say_nothing_works(data, model):
    worst = 1.0
    for edge in model.edges_of[model.graph.index[FRONT]]:
        shown = model.shown[model.graph.index[model.edges[edge].dependency]]
        worst = min(worst, 1.0 - (0.0 if np.isnan(shown) else shown))

    assert worst < 0.6  # what hard dependencies multiplied would leave, before looking at the data


def test_two_names_of_the_search_count_once(model):
    assert any(PET_SEARCH in pair for pair in model.alias_names)


def test_a_component_without_metrics_is_said_to_have_not_enough_data(model):
    bound = composite_bound(model, "lambdastatusupdater_AWS::Lambda::Function", window=WINDOW).bound

    assert any("Not enough data" in note and "invalid_AWS::DynamoDB::Table" in note for note in bound.assumptions)
    assert model.intrinsic_unavailability("invalid_AWS::DynamoDB::Table") is None


def test_every_component_gets_a_bound(data, model):
    graph, _ = data

    for service in graph.services:
        bound = composite_bound(model, service.service_id, window=WINDOW).bound
        assert 0.0 <= bound.observed_ratio <= 1.0
