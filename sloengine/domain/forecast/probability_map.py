"""What a stated probability has been worth: the ratio of the odds that were seen to those that were told.

One ratio a kind of window, shipped and drawn towards the organisation's own finished forecasts as these become
many. It multiplies the odds: of the rare it is the ratio of probabilities, and what is all but certain stays so
(docs/decisions/0061-one-ratio-and-own-series.md). The shipped part depends on how much of the budget is spent:
the less is left, the smaller an incident is enough, and it is large ones that the draws hold too many of
(docs/decisions/0091-what-is-spent-moves-the-ratio.md).
Source of the estimate: the likelihood of a logistic regression with slope 1, whose only unknown is the ratio's
logarithm (Cox 1958, Biometrika 45:562), with a gamma prior as for a Poisson rate (Gelman et al., Bayesian Data
Analysis, 3rd ed., section 2.6): for what is rare it is that rate's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from sloengine.domain.forecast import shipped_correction
from sloengine.domain.forecast.horizon import is_calendar
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

PRIOR_WEIGHT = 40.0
"""Expected exhaustions that the shipped ratio is worth: an organisation that has seen as many counts as much."""
_SMALLEST, _LARGEST = 1e-6, 1e6


@dataclass(frozen=True, slots=True)
class ProbabilityMap:
    """``ratio``: of the odds seen to those told, of a budget of which nothing is spent. ``outcomes``: own finished
    forecasts that it rests on; 0: as shipped. ``by_spent``: what is added to its logarithm for a whole budget.
    """

    ratio: float = 1.0
    outcomes: int = 0
    by_spent: float = 0.0

    @classmethod
    def shipped(cls, window: ComplianceWindow) -> ProbabilityMap:
        """What an organisation starts with for this kind of window."""
        ratio, by_spent = shipped_correction.MONTH if is_calendar(window) else shipped_correction.ROLLING
        return cls(ratio, by_spent=by_spent)

    def of(self, told: FloatArray | float, spent: FloatArray | float = 0.0) -> FloatArray:
        """The probabilities to give out, in [0, 1]; with as much spent, what was likelier is never less likely.

        ``spent``: share of the budget at the time, counted as 0 or 1 where it lies beyond; shape as ``told``, or
        one for all.

        >>> ProbabilityMap(0.8).of([0.0, 0.01, 0.5, 1.0]).round(4).tolist()
        [0.0, 0.008, 0.4444, 1.0]
        >>> ProbabilityMap(0.5, by_spent=np.log(2)).of(0.2, [0.0, 1.0]).round(4).tolist()
        [0.1111, 0.2]
        """
        stated = np.clip(np.asarray(told, dtype=np.float64), 0.0, 1.0)
        ratio = self.ratio * np.exp(self.by_spent * np.clip(spent, 0.0, 1.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = ratio * stated / (1.0 - stated)
        # Each step is monotone as rounded, so the whole is.
        return np.asarray(1.0 - 1.0 / (1.0 + np.nan_to_num(odds, nan=0.0, posinf=np.inf)))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {"ratio": self.ratio, "outcomes": self.outcomes, "by_spent": self.by_spent}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ProbabilityMap:
        """From ``to_dict``."""
        return cls(float(data["ratio"]), int(data["outcomes"]), float(data["by_spent"]))


def fitted(
    told: FloatArray,
    came: FloatArray,
    clusters: FloatArray,
    start: ProbabilityMap,
    *,
    spent: FloatArray | float = 0.0,
    prior_weight: float = PRIOR_WEIGHT,
) -> ProbabilityMap:
    """The map after these outcomes, drawn towards ``start`` as far as they are few; what is spent counts as there.

    ``told``: probabilities in [0, 1]; ``came``: 1 where the budget ran out, 0 where not; ``clusters``: labels of
    outcomes that share their fate (one origin, one organisation); ``spent``: share of the budget at the time;
    shape (n,) each. They count for as many independent ones as the scatter between clusters leaves. The mode over
    log r of likelihood and prior: where what came is what r makes of what was told, but for the prior's pull,
    (sum(came) - sum(of(told))) / design effect = prior_weight (r - start).
    """
    if len(told) == 0 or (prior_weight <= 0 and not np.any(told)):
        return start
    told = ProbabilityMap(by_spent=start.by_spent).of(told, spent)
    # Around what came on the whole: around the start, an error of the start would look like scatter.
    alone = ProbabilityMap(_solved(told, came, 1.0, start.ratio, 0.0))
    worth = 1.0 / design_effect(came - alone.of(told), clusters)
    ratio = _solved(told, came, worth, start.ratio, prior_weight)
    return replace(start, ratio=ratio, outcomes=start.outcomes + len(told))


def _solved(told: FloatArray, came: FloatArray, worth: float, start: float, pull: float) -> float:
    """The r with worth (sum(came) - sum(of(told))) = pull (r - start), between the smallest and the largest."""

    def surplus(ratio: float) -> float:
        expected = ProbabilityMap(ratio).of(told)
        return worth * float(np.sum(came) - np.sum(expected)) + pull * (start - ratio)

    if surplus(_SMALLEST) <= 0:
        return _SMALLEST
    if surplus(_LARGEST) >= 0:
        return _LARGEST
    return float(brentq(surplus, _SMALLEST, _LARGEST, xtol=1e-9))


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
