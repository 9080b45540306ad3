"""Adaptive conformal inference: levels of quantiles that move until they cover what they say.

Each past origin tells, for each quantile, which share of the services came out at or below it. A level that
covered too little is raised, one that covered too much is lowered, so that coverage holds on average whatever the
model's faults are, and follows when they change.
Source: Gibbs & Candès (2021), "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 34, equation (2):
alpha(t+1) = alpha(t) + gamma (alpha - err(t)), here with err(t) the mean over the services of an origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

LEVELS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99])
STEP = 0.25
"""gamma for an origin with very many services."""
FULL_WEIGHT = 25.0
"""With so many services an origin moves the levels half as far as it could."""
_LEAST_GAP = 1e-4
SCHEMA = 1


@dataclass(frozen=True)
class AdaptiveLevels:
    """``used``: the model's own level whose quantile is given out for each of ``LEVELS``, shape (n_levels,).

    ``origins`` and ``outcomes``: finished forecasts that these levels rest on.
    """

    used: FloatArray
    origins: int = 0
    outcomes: int = 0

    @classmethod
    def fresh(cls) -> AdaptiveLevels:
        """The model is believed as it is."""
        return cls(LEVELS.copy())

    def after(self, ranks: FloatArray, share: float = 1.0) -> AdaptiveLevels:
        """The levels after one more origin.

        ``ranks``: share of the model's draws below each outcome, ties broken at random, in [0, 1]; shape (n,).
        ``share``: of a full step, in (0, 1]; less where several origins tell of the same outcome.
        """
        if len(ranks) == 0:
            return self
        covered = (ranks[:, None] <= self.used).mean(axis=0)
        weight = len(ranks) / (len(ranks) + FULL_WEIGHT)
        # Near 0 and 1 the same step would jump over the level's whole neighbourhood.
        gamma = share * STEP * weight * np.minimum(1.0, 8 * LEVELS * (1 - LEVELS))
        moved = self.used + gamma * (LEVELS - covered)
        moved = np.clip(np.maximum.accumulate(moved), _LEAST_GAP, 1 - _LEAST_GAP)
        return AdaptiveLevels(moved, self.origins + 1, self.outcomes + len(ranks))

    def own_level(self, level: FloatArray | float) -> FloatArray:
        """The model's level whose quantile is given out for this one; piecewise linear, 0 and 1 stay."""
        return np.asarray(np.interp(level, np.r_[0.0, LEVELS, 1.0], np.r_[0.0, self.used, 1.0]))

    def true_level(self, own: FloatArray | float) -> FloatArray:
        """The other way round: how likely an outcome at or below the model's quantile of level ``own`` is."""
        rising = np.maximum.accumulate(np.r_[0.0, self.used, 1.0]) + np.arange(len(self.used) + 2) * 1e-12
        return np.asarray(np.interp(own, rising, np.r_[0.0, LEVELS, 1.0]))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "schema": SCHEMA,
            "used": self.used.tolist(),
            "origins": self.origins,
            "outcomes": self.outcomes,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AdaptiveLevels:
        """From ``to_dict``. Raises ValueError on another schema: it is learnt anew."""
        if data.get("schema") != SCHEMA or len(data["used"]) != len(LEVELS):
            raise ValueError(f"levels of schema {data.get('schema')}, this engine reads {SCHEMA}")
        return cls(np.asarray(data["used"], dtype=np.float64), int(data["origins"]), int(data["outcomes"]))


def random_rank(draws: FloatArray, outcome: float, uniform: float) -> float:
    """Share of draws below the outcome, plus a random part of those equal to it, in [0, 1].

    Uniform if the outcome is one more draw, also where draws are tied, as counts of failures are.
    Source: Czado, Gneiting & Held (2009), Biometrics 65:1254, section 2.1 (randomised PIT).
    """
    tolerance = 1e-9 * max(1.0, abs(outcome))
    below = float((draws < outcome - tolerance).sum())
    equal = float((np.abs(draws - outcome) <= tolerance).sum())
    return (below + uniform * (equal + 1.0)) / (len(draws) + 1.0)


def pinball(quantiles: FloatArray, outcome: float, levels: Sequence[float] | FloatArray = LEVELS) -> float:
    """Mean quantile loss over levels, shapes (n_levels,): smaller is better.

    Source: Koenker & Bassett (1978), Econometrica 46:33.

    >>> pinball(np.array([1.0]), 3.0, [0.9]), pinball(np.array([3.0]), 1.0, [0.9])
    (1.8, 0.19999999999999996)
    """
    over = outcome - quantiles
    level = np.asarray(levels)
    return float(np.maximum(level * over, (level - 1) * over).mean())
