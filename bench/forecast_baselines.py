"""What anybody would forecast without the engine, given everything that makes it fair.

Each rule states one path of failures, of the valid events expected of each coming step (the week's rhythm in it).
It knows what falls out of the window, is never below what is as good as certain, and gets quantiles from how far
the same rule was off before (residuals of finished origins, apart for services with and without a running
incident), with the same adaptive levels as the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels
from sloengine.domain.reliability.panel import FloatArray

REMEMBERED_ORIGINS = 10
_ENOUGH = 20
type Rule = Callable[[FloatArray, FloatArray, FloatArray], FloatArray]


def last_value(bad: FloatArray, valid: FloatArray, coming: FloatArray) -> FloatArray:
    """The newest day's failed share goes on."""
    return coming * float(bad[-1] / max(float(valid[-1]), 1.0))


def seasonal_naive(bad: FloatArray, valid: FloatArray, coming: FloatArray) -> FloatArray:
    """Each day fails as the same weekday of last week did."""
    ratio = bad[-7:] / np.maximum(valid[-7:], 1.0)
    return coming * np.resize(ratio, len(coming))


def mean_rate(bad: FloatArray, valid: FloatArray, coming: FloatArray) -> FloatArray:
    """The failed share of the last 28 days goes on."""
    return coming * float(bad[-28:].sum() / max(float(valid[-28:].sum()), 1.0))


RULES: dict[str, Rule] = {"seasonal-naive": seasonal_naive, "last-value": last_value, "28-day mean": mean_rate}


@dataclass
class Residuals:
    """How far a rule was off at finished origins, one array an origin and class."""

    origins: list[dict[bool, FloatArray]] = field(default_factory=list)
    levels: AdaptiveLevels = field(default_factory=AdaptiveLevels.fresh)

    def known(self, running: bool) -> FloatArray:
        """Residuals of this class; of both where it has few."""
        some = [one[running] for one in self.origins[-REMEMBERED_ORIGINS:]]
        own = np.concatenate(some) if some else np.zeros(0)
        if len(own) >= _ENOUGH:
            return np.sort(own)
        every = [part for one in self.origins[-REMEMBERED_ORIGINS:] for part in one.values()]
        return np.sort(np.concatenate(every)) if every else np.zeros(1)

    def draws(self, point: float, floor: float, running: bool) -> FloatArray:
        """The rule's distribution of the outcome, ascending."""
        return np.maximum(floor, point + self.known(running))

    def quantiles(self, draws: FloatArray) -> FloatArray:
        """At ``LEVELS``, corrected."""
        return np.quantile(draws, self.levels.own_level(LEVELS), method="inverted_cdf")

    def learn(self, residuals: dict[bool, FloatArray], ranks: FloatArray) -> None:
        """One more origin is over."""
        self.origins.append(residuals)
        self.levels = self.levels.after(ranks)
