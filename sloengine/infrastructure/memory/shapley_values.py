"""Shapley values without any library."""

from __future__ import annotations

from sloengine.domain.explanation.shapley import Values, coalitions, shapley_values
from sloengine.domain.reliability.panel import FloatArray


class EnumeratedShapleyValues:
    """Keeps the ``ShapleyValues`` port by the definition: every coalition, weighted by its number of orders."""

    def __call__(self, values: Values, players: int) -> FloatArray:
        """Shapley values, shape (players,)."""
        return shapley_values(values(coalitions(players)))
