"""How far weekly failures outside incidents vary beyond chance, as services of any traffic have it in common.

Two things make a week vary. Requests fail in bursts: that multiplies Poisson's variance by the same factor however
many fail. And the level goes up and down: its share of the variance grows with the square of what fails, so that
the factor grows with it. A service with much traffic therefore has a large factor that says nothing about one with
little; the law that both follow is

    variance / mean = 1 + bursts + level_variance x mean.

Source: the negative binomial's two parametrisations of variance, linear and quadratic in the mean (Cameron &
Trivedi 1998, Regression Analysis of Count Data, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.reliability.panel import FloatArray

_STEPS, _FINER = 33, 9
_LEAST_FACTOR = 0.05


@dataclass(frozen=True, slots=True)
class WeeklySpread:
    """``bursts``: by which variance over the mean exceeds 1, whatever the mean.

    ``level_variance``: squared coefficient of variation of a week's level.
    """

    bursts: float = shipped_prior.DISPERSION - 1.0
    level_variance: float = 0.0

    def at(self, weekly_failures: float) -> float:
        """Variance over Poisson's of weeks in which so many fail in the mean.

        >>> WeeklySpread(bursts=2.0, level_variance=0.1).at(50.0)
        8.0
        """
        return 1.0 + self.bursts + self.level_variance * weekly_failures


def learn_spread(dispersion: FloatArray, weeks: FloatArray, weekly: FloatArray) -> WeeklySpread:
    """The law of many services, drawn towards the shipped one as if that were so many services.

    ``dispersion``: variance of a service's weekly failures over Poisson's, from so many ``weeks`` (less one);
    ``weekly``: failures of a mean week; each of shape (n_services,). Least absolute deviations of the logarithm,
    so that a few services whose level shifted do not decide.
    """
    seen = (weeks > 0) & (weekly > 0)
    if not seen.any():
        return WeeklySpread()
    found, freedom, mean = dispersion[seen], weeks[seen], weekly[seen]
    # Half of the services lie below the median of chi-squared over its degrees (Wilson & Hilferty), not below 1.
    usual = np.log(np.maximum(1.0 - 2.0 / (9.0 * freedom), 0.3) ** 3)
    wanted = np.log(np.maximum(found, _LEAST_FACTOR)) - usual
    weight = np.sqrt(freedom)
    shipped, shipped_bursts = shipped_prior.PSEUDO_SERVICES, shipped_prior.DISPERSION - 1.0

    def cost(bursts: float, variance: float) -> float:
        # Where all have the same traffic nothing tells the two apart: large bursts are then the less likely.
        doubt = abs(np.log((1.0 + bursts) / shipped_prior.DISPERSION))
        misfit = np.abs(np.log(1.0 + bursts + variance * mean) - wanted)
        return float(shipped * np.sqrt(shipped_prior.PSEUDO_WEEKS) * doubt + weight @ misfit)

    factors = np.geomspace(0.1, max(2.0, float(found.max())), _STEPS)
    every_bursts, every_variance = np.r_[0.0, factors], np.r_[0.0, factors / float(np.median(mean))]
    for _ in range(2):
        pairs = [(b, v) for b in every_bursts.tolist() for v in every_variance.tolist()]
        bursts, variance = min(pairs, key=lambda pair: cost(*pair))
        finer = np.geomspace(0.7, 1.0 / 0.7, _FINER)
        every_bursts, every_variance = bursts * finer, variance * finer
    n = float(seen.sum())
    return WeeklySpread(
        bursts=(n * bursts + shipped * shipped_bursts) / (n + shipped),
        level_variance=n * variance / (n + shipped),
    )
