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
    """A masker whose masked sample is the mask itself."""

    immutable_outputs = True
    supports_delta_masking = False
    clustering = None

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: npt.NDArray[np.bool_], sample: npt.NDArray[np.float64]) -> tuple[FloatArray]:
        return (np.where(mask, sample, 0.0)[None, :],)
