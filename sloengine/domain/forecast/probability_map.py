"""What a stated probability has been worth: how many budgets ran out for each that was expected to.

One ratio, shipped and drawn towards the organisation's own finished forecasts as these become many. It multiplies
the odds: of the rare it is the ratio of probabilities, and what is all but certain stays so
(docs/decisions/0061-one-ratio-and-own-series.md).
Source of the estimate: the posterior mean of a Poisson rate with a gamma prior (Gelman et al., Bayesian Data
Analysis, 3rd ed., section 2.6), exposures being the expected counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sloengine.domain.forecast import shipped_probability
from sloengine.domain.reliability.panel import FloatArray

PRIOR_WEIGHT = 40.0
"""Expected exhaustions that the shipped ratio is worth: an organisation that has seen as many counts as much."""


@dataclass(frozen=True, slots=True)
class ProbabilityMap:
    """``ratio``: budgets that run out per one expected to. ``outcomes``: own finished forecasts that it rests on;
    0: as shipped.
    """

    ratio: float = 1.0
    outcomes: int = 0

    @classmethod
    def shipped(cls) -> ProbabilityMap:
        """What an organisation starts with."""
        return cls(shipped_probability.RATIO)

    def of(self, told: FloatArray | float) -> FloatArray:
        """The probabilities to give out, in [0, 1]; what was likelier is never less likely.

        >>> ProbabilityMap(0.8).of([0.0, 0.01, 0.5, 1.0]).round(4).tolist()
        [0.0, 0.008, 0.4444, 1.0]
        """
        stated = np.clip(np.asarray(told, dtype=np.float64), 0.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = self.ratio * stated / (1.0 - stated)
        # Each step is monotone as rounded, so the whole is.
        return np.asarray(1.0 - 1.0 / (1.0 + np.nan_to_num(odds, nan=0.0, posinf=np.inf)))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {"ratio": self.ratio, "outcomes": self.outcomes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ProbabilityMap:
        """From ``to_dict``."""
        return cls(float(data["ratio"]), int(data["outcomes"]))


def fitted(
    told: FloatArray,
    came: FloatArray,
    clusters: FloatArray,
    start: ProbabilityMap,
    *,
    prior_weight: float = PRIOR_WEIGHT,
) -> ProbabilityMap:
    """The map after these outcomes, drawn towards ``start`` as far as they are few.

    ``told``: probabilities in [0, 1]; ``came``: 1 where the budget ran out, 0 where not; ``clusters``: labels of
    outcomes that share their fate (one origin, one organisation); shape (n,) each. They count for as many
    independent ones as the scatter between clusters leaves. The ratio is that of counts, which for what is rare is
    that of odds, and for the rest lies nearer to 1 than it.
    """
    if len(told) == 0:
        return start
    worth = 1.0 / design_effect(came - start.of(told), clusters)
    expected = prior_weight + worth * float(np.sum(told))
    if expected <= 0:
        return start
    ratio = (start.ratio * prior_weight + worth * float(np.sum(came))) / expected
    return ProbabilityMap(ratio, start.outcomes + len(told))


def design_effect(residuals: FloatArray, clusters: FloatArray) -> float:
    """How many times an independent outcome's variance the sum of these has, at least 1; 1 without any.

    Source: Kish (1965), Survey Sampling, section 5.4, with the variance between clusters from their sums.
    """
    single = float(np.square(residuals).sum())
    if single <= 0:
        return 1.0
    _, place = np.unique(clusters, return_inverse=True)
    together = np.bincount(place, weights=residuals)
    return max(1.0, float(np.square(together).sum()) / single)
