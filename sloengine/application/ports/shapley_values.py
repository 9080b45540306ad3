"""How much each feature group of a game contributes."""

from __future__ import annotations

from typing import Protocol

from sloengine.domain.explanation.shapley import Values
from sloengine.domain.reliability.panel import FloatArray


class ShapleyValues(Protocol):
    """Exact Shapley values; nothing is sampled, so the same game always gives the same answer."""

    def __call__(self, values: Values, players: int) -> FloatArray:
        """Shapley values, shape (players,).

        ``values``: the game; coalitions of shape (n, players) in, values of shape (n,) out. The answer sums to the
        value of all players less that of none, to 1e-9 of the largest value.
        """
        ...
