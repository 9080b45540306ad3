"""The place of the recalibration map between what the model says and what has been seen to hold.

Until a map has been learnt from finished backtests the identity stands here: nothing is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CalibrationMap:
    """A monotone map from the model's level to the share of windows in which such targets held.

    ``model_levels`` and ``attained``: knots in [0, 1], both strictly ascending, (0, 0) and (1, 1) understood;
    none means identity. ``source`` says what it was learnt on.
    """

    model_levels: tuple[float, ...] = ()
    attained: tuple[float, ...] = ()
    source: str = "identity: no map learnt yet"

    def __post_init__(self) -> None:
        """Refuse a map that cannot be inverted.

        Raises: ValueError, if the knots are not strictly ascending within (0, 1).
        """
        if len(self.model_levels) != len(self.attained):
            raise ValueError("model_levels and attained must have as many knots")
        for knots in (self.model_levels, self.attained):
            if any(b <= a for a, b in zip((0.0, *knots), (*knots, 1.0), strict=True)):
                raise ValueError("knots must ascend strictly within (0, 1)")

    @property
    def is_identity(self) -> bool:
        """Whether nothing has been learnt."""
        return not self.model_levels

    def probability_of(self, model_level: float) -> float:
        """How often targets at this level of the model hold."""
        return float(np.interp(model_level, (0.0, *self.model_levels, 1.0), (0.0, *self.attained, 1.0)))

    def level_for(self, probability: float) -> float:
        """Level to ask of the model so that targets hold this often; the inverse of ``probability_of``."""
        return float(np.interp(probability, (0.0, *self.attained, 1.0), (0.0, *self.model_levels, 1.0)))
