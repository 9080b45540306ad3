"""Few windows say what all of them say: of all groups together exactly, of each group nearly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.explanation import deciding_windows
from sloengine.domain.explanation.availability_game import AvailabilityGame
from sloengine.domain.explanation.deciding_windows import calibrated, on_fewer_windows
from sloengine.domain.explanation.own_groups import OWN_GROUPS
from sloengine.domain.explanation.shapley import coalitions, shapley_values
from sloengine.infrastructure.learning.shap_values import ShapValues
from tests.domain.explanation.cases import CALLS, SETTINGS, Case, case_of, shop_panel

MANY = replace(SETTINGS, n_draws=2_000, explanation_draws=200)


def games(service_id: str, seed: int, *, outages: int = 0) -> tuple[Case, AvailabilityGame, AvailabilityGame]:
    case = case_of(service_id, shop_panel(seed, outages_of_db=outages), settings=MANY)
    explainer, dependencies = case.explainer, case.explainer._dependencies()
    whole = replace(explainer, settings=replace(MANY, explanation_draws=2_000)).game(case.level, dependencies)
    return case, whole, explainer.game(case.level, dependencies)


@pytest.mark.parametrize("service_id", CALLS)
@pytest.mark.parametrize(("seed", "outages"), [(0, 0), (1, 0), (2, 40)])
def test_all_groups_are_worth_the_engines_target_without_being_scaled_to_it(
    service_id: str, seed: int, outages: int
):
    case, _, fewer = games(service_id, seed, outages=outages)
    everything = np.ones((1, fewer.players), bool)
    composite = case.case.caps.composite
    known = [case.case.predictive.unavailability, *(() if composite is None else (composite,))]
    engine = max(float(np.quantile(drawn, case.level, method="higher")) for drawn in known)

    assert fewer.numbers.n < 1_200
    assert fewer.unavailability(everything)[0] == pytest.approx(engine, rel=1e-9)
    assert case.rerun().before_traffic_limit() == pytest.approx(engine, rel=1e-12)


@pytest.mark.parametrize("service_id", CALLS)
@pytest.mark.parametrize(("seed", "outages"), [(0, 0), (2, 40)])
def test_with_all_groups_in_the_game_draws_the_recommendations_own_windows(
    service_id: str, seed: int, outages: int
):
    """So that these need not be drawn again, and the value of all groups need not be worked out again."""
    case, whole, _ = games(service_id, seed, outages=outages)
    everything = np.ones(whole.players, bool)
    drawn = whole.draws(everything)

    known = case.explainer._own_draws(case.explainer._dependencies())

    assert known is not None
    assert len(known) == len(drawn)
    assert all(np.array_equal(a, b) for a, b in zip(known, drawn, strict=True))
    assert whole.value_of(drawn) == pytest.approx(whole.unavailability(everything[None, :])[0], rel=1e-12)


def test_uniform_weights_would_not_do_and_are_noticed(monkeypatch: pytest.MonkeyPatch):
    """Means over few windows are not those over all: the game then keeps all windows rather than being scaled."""
    tried = [games("front", 0, outages=40), games("cart", 1), games("search", 1, outages=40), games("db", 2)]
    monkeypatch.setattr(deciding_windows, "calibrated", lambda weights, *_: weights)

    kept_all = [on_fewer_windows(whole, 200).numbers.n == whole.numbers.n for _, whole, _ in tried]

    assert all(fewer.numbers.n < whole.numbers.n for _, whole, fewer in tried)
    assert any(kept_all)


@pytest.mark.parametrize("service_id", ["front", "db"])
def test_shap_and_the_definition_over_all_coalitions_agree_on_the_engines_own_game(service_id: str):
    case, _, game = games(service_id, 1)
    values = case.explainer.values(game)
    everything = coalitions(game.players)
    worth = values(everything)

    found = ShapValues()(values, game.players)

    assert found == pytest.approx(shapley_values(worth), abs=1e-12)
    assert found.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-12)


def test_calibrated_weights_have_the_means_asked_for():
    rng = np.random.default_rng(4)
    values = [rng.lognormal(-8.0, 1.0, 300), rng.lognormal(-6.0, 2.0, 300)]
    weights = np.where(np.arange(300) < 200, 1.0, 18.0)
    means = [1.05 * float(weights @ row / weights.sum()) for row in values]

    found = calibrated(weights, 100, values, means)

    assert found.sum() == pytest.approx(2_000)
    assert (found[:200] == 1.0).all()
    assert [float(found @ row / found.sum()) for row in values] == pytest.approx(means)


def test_what_is_said_to_be_the_same_twice_does_not_upset_them():
    row = np.random.default_rng(5).random(50)

    found = calibrated(np.ones(50), 50, [row, row.copy(), np.zeros(50)], [0.5, 0.5, 0.0])

    assert float(found @ row / found.sum()) == pytest.approx(0.5)


@pytest.mark.parametrize("service_id", ["front", "cart", "db"])
def test_groups_are_worth_on_fewer_windows_what_they_are_on_all(service_id: str):
    case, whole, fewer = games(service_id, 0)

    exact, found = (
        shapley_values(case.explainer.values(game)(coalitions(game.players))) for game in (whole, fewer)
    )

    assert len(exact) >= len(OWN_GROUPS)
    assert np.abs(found - exact).max() < 0.08 * np.abs(exact).max()
