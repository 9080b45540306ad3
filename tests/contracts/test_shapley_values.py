from __future__ import annotations

import numpy as np
import pytest

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.infrastructure.learning.shap_values import ShapValues
from sloengine.infrastructure.memory.shapley_values import EnumeratedShapleyValues


@pytest.fixture(params=[ShapValues, EnumeratedShapleyValues], ids=["shap", "memory"])
def shapley(request: pytest.FixtureRequest) -> ShapleyValues:
    return request.param()


def table(values: np.ndarray):
    def game(coalitions: np.ndarray) -> np.ndarray:
        return values[(coalitions * (1 << np.arange(coalitions.shape[1]))).sum(axis=1)]

    return game


@pytest.mark.parametrize("players", [1, 2, 5, 8])
def test_they_add_up_to_what_all_together_bring(shapley: ShapleyValues, players: int):
    values = np.random.default_rng(players).normal(99.0, 1.0, 1 << players)

    found = shapley(table(values), players)

    assert found.sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def test_a_game_of_two_is_split_by_hand(shapley: ShapleyValues):
    found = shapley(table(np.array([1.0, 3.0, 2.0, 9.0])), 2)

    # First alone 2, joining 7; second alone 1, joining 6.
    np.testing.assert_allclose(found, [4.5, 3.5], atol=1e-12)


def test_one_who_never_changes_anything_gets_nothing(shapley: ShapleyValues):
    def game(coalitions: np.ndarray) -> np.ndarray:
        return 5.0 * coalitions[:, 0] * coalitions[:, 2] + coalitions[:, 2]

    np.testing.assert_allclose(shapley(game, 3), [2.5, 0.0, 3.5], atol=1e-12)


def test_a_game_is_asked_once_for_each_coalition(shapley: ShapleyValues):
    asked = []

    def game(coalitions: np.ndarray) -> np.ndarray:
        asked.extend(map(tuple, coalitions.tolist()))
        return coalitions.sum(axis=1).astype(float)

    shapley(game, 6)

    assert len(asked) == len(set(asked)) == 64


def test_adapters_agree():
    values = np.random.default_rng(3).normal(size=1 << 7)

    np.testing.assert_allclose(
        ShapValues()(table(values), 7), EnumeratedShapleyValues()(table(values), 7), atol=1e-12
    )
