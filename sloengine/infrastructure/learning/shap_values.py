"""Shapley values by `shap`, exactly: every coalition of feature groups is evaluated, nothing is sampled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sloengine.domain.explanation.shapley import Values
from sloengine.domain.reliability.panel import FloatArray


class ShapValues:
    """Keeps the ``ShapleyValues`` port with ``shap.ExactExplainer``.

    The players of the game are the explainer's features: 1 where the group has this service's values, 0 where it
    has the reference's. Its masker hands the coalition on as the sample; the game does the rest.
    """

    def __call__(self, values: Values, players: int) -> FloatArray:
        """Shapley values, shape (players,); they sum to the value of all less that of none."""
        # Seconds of importing, which only an explanation is worth.
        from shap import ExactExplainer  # noqa: PLC0415

        def game(coalitions: npt.NDArray[np.float64]) -> FloatArray:
            return values(coalitions > 0.5)

        explainer = ExactExplainer(game, _Coalitions(players))
        found = explainer(np.ones((1, players)), max_evals=1 << players, batch_size=1 << players, silent=True)
        return np.asarray(found.values[0], dtype=np.float64)


class _Coalitions:
    """A masker whose masked sample is the mask itself, of all coalitions at once.

    ``shap`` hands it the one feature that each coalition differs by from the one before, beginning with none, and
    a number beyond all features where none does.
    """

    supports_delta_masking = True
    clustering = None

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(
        self, flipped: npt.NDArray[np.int64], sample: npt.NDArray[np.float64]
    ) -> tuple[tuple[FloatArray], npt.NDArray[np.bool_]]:
        """Samples, shape (n, players), and that each of them is to be evaluated, shape (n, 1)."""
        flips = flipped[:, None] == np.arange(self.shape[1])
        masks = np.cumsum(flips, axis=0) % 2 == 1
        return (np.where(masks, sample, 0.0),), np.ones((len(flipped), 1), bool)
