from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import shap

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.domain.explanation.shapley import Values
from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.learning.enumerated_shapley import EnumeratedShapleyValues


class ShapValues:
    """``shap.ExactExplainer``, an independent source of the same values.

    The players of the game are the explainer's features: 1 where the group has this service's values, 0 where it
    has the reference's. Its masker hands the coalition on as the sample; the game does the rest.
    """

    def __call__(self, values: Values, players: int) -> FloatArray:
        """Shapley values, shape (players,); they sum to the value of all less that of none."""

        def game(coalitions: npt.NDArray[np.float64]) -> FloatArray:
            return values(coalitions > 0.5)

        explainer = shap.ExactExplainer(game, _Coalitions(players))
        found = explainer(np.ones((1, players)), max_evals=1 << players, batch_size=1 << players, silent=True)
        return np.asarray(found.values[0], dtype=np.float64)


class _Coalitions:
    """A masker whose masked sample is the mask itself."""

    immutable_outputs = True
    supports_delta_masking = False
    clustering = None

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: npt.NDArray[np.bool_], sample: npt.NDArray[np.float64]) -> tuple[FloatArray]:
        return (np.where(mask, sample, 0.0)[None, :],)


@pytest.fixture(params=[ShapValues, EnumeratedShapleyValues], ids=["shap", "enumerated"])
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


def test_both_agree():
    values = np.random.default_rng(3).normal(size=1 << 7)

    np.testing.assert_allclose(
        ShapValues()(table(values), 7), EnumeratedShapleyValues()(table(values), 7), atol=1e-12
    )
