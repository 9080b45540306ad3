"""Shapley values by their definition: every coalition of feature groups is looked at, nothing is sampled."""

from __future__ import annotations

from sloengine.domain.explanation.shapley import Values, coalitions, shapley_values
from sloengine.domain.reliability.panel import FloatArray


class EnumeratedShapleyValues:
    """Keeps the ``ShapleyValues`` port: every coalition, weighted by the number of orders that it opens."""

    def __call__(self, values: Values, players: int) -> FloatArray:
        """Shapley values, shape (players,)."""
        return shapley_values(values(coalitions(players)))
