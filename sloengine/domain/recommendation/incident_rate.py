"""How often incidents start: a mixture over a grid of rates, learnt from all services by EM.

Source of the method: nonparametric empirical Bayes (Laird, 1978, JASA 73:805), kept smooth by a shipped lognormal
that counts as a few services; a service is taken out of its own prior by one step of leave-one-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.reliability.panel import FloatArray

RATES = np.exp(np.linspace(np.log(1 / 3000), np.log(1.0), 72))
"""Incident episodes per day, shape (n_rates,)."""

_LOG_RATES = np.log(RATES)
_ROUNDS = 30


def shipped_weights() -> FloatArray:
    """The shipped lognormal on the grid, summing to 1."""
    z = (_LOG_RATES - np.log(shipped_prior.RATE_MEDIAN_PER_DAY)) / shipped_prior.RATE_LOG_SD
    weights = np.exp(-0.5 * z * z)
    return np.asarray(weights / weights.sum())


def likelihood(episodes: FloatArray, days: FloatArray) -> FloatArray:
    """Poisson likelihood of each service on the grid, each row's largest value 1; shape (n_services, n_rates).

    ``episodes`` and ``days`` may be discounted by age, and need not be whole.
    """
    log = episodes[:, None] * _LOG_RATES - days[:, None] * RATES
    return np.asarray(np.exp(log - log.max(axis=1, keepdims=True)))


def learn_mixture(
    episodes: FloatArray,
    days: FloatArray,
    start: FloatArray | None = None,
    counts_as: float = shipped_prior.PSEUDO_SERVICES,
) -> FloatArray:
    """Weights of these services' mixture on the grid of rates, ``start`` counting as so many services; sum 1.

    ``episodes``, ``days`` (discounted by age): of each service, shape (n_services,). ``start`` None: the shipped
    prior. For the services of one archetype it is the organisation's mixture.
    """
    start = shipped_weights() if start is None else start
    seen = days > 0
    if not seen.any():
        return start
    table = likelihood(episodes[seen], days[seen])
    weights = start
    for _ in range(_ROUNDS):
        shares = table * weights
        shares /= shares.sum(axis=1, keepdims=True)
        weights = shares.sum(axis=0) + counts_as * start
        weights /= weights.sum()
    return np.asarray(weights)


def without(weights: FloatArray, n_services: int, episodes: float, days: float) -> FloatArray:
    """The mixture with one service's own contribution taken out again."""
    if days <= 0:
        return weights
    mine = share(weights, episodes, days)
    rest = np.maximum((n_services + shipped_prior.PSEUDO_SERVICES) * weights - mine, 1e-300)
    return np.asarray(rest / rest.sum())


def share(weights: FloatArray, episodes: float, days: float) -> FloatArray:
    """What one service puts into a mixture: its posterior, none without days."""
    if days <= 0:
        return np.zeros(len(weights))
    product = likelihood(np.array([episodes]), np.array([days]))[0] * weights
    return np.asarray(product / product.sum())


def posterior(weights: FloatArray, episodes: float, days: float) -> FloatArray:
    """Weights of the grid after this many (discounted) episodes in this many (discounted) days."""
    if days <= 0:
        return weights
    product = weights * likelihood(np.array([episodes]), np.array([days]))[0]
    return np.asarray(product / product.sum())


OWN_HALF_LIFE_DAYS = 60.0
"""A service's own incident counts half after this many days."""
REGIME_SHARE = 20
"""One draw in so many takes the rate from the prior, as a coming change of regime would."""
LEAST_SIZE_WEIGHT = 2.0


@dataclass(frozen=True)
class RateKnowledge:
    """What is known of one service's incident rate: its prior and its own (discounted) episodes and days.

    ``size_weight``: own episodes that other services' are worth, at least, in the size of a coming one.
    """

    prior_weights: FloatArray
    episodes: float
    days: float
    size_weight: float = LEAST_SIZE_WEIGHT

    @classmethod
    def of(
        cls,
        prior_weights: FloatArray,
        *,
        day_ages: FloatArray,
        exposure: FloatArray,
        episode_ages: FloatArray,
        size_weight: float = LEAST_SIZE_WEIGHT,
    ) -> RateKnowledge:
        """From days and the ages of episodes, discounted by the half-life.

        ``day_ages`` and ``exposure`` (how much of the day was seen, in [0, 1]): shape (n_days,). Ages in days.
        """
        days = float((exposure * 0.5 ** (day_ages / OWN_HALF_LIFE_DAYS)).sum())
        episodes = float((0.5 ** (episode_ages / OWN_HALF_LIFE_DAYS)).sum())
        return cls(prior_weights, episodes, days, size_weight)

    @cached_property
    def weights(self) -> FloatArray:
        """The posterior on the grid."""
        return posterior(self.prior_weights, self.episodes, self.days)

    @cached_property
    def _prior_moments(self) -> tuple[float, float]:
        mean = float((self.prior_weights * RATES).sum())
        return mean, max(float((self.prior_weights * (RATES - mean) ** 2).sum()), 1e-300)

    @property
    def mean_per_day(self) -> float:
        """Mean of the posterior."""
        return float((self.weights * RATES).sum())

    @property
    def own_weight(self) -> float:
        """Days over days plus those the prior is worth: mean / variance of its rates, as a gamma law's."""
        mean, variance = self._prior_moments
        return self.days / (self.days + mean / variance)

    @property
    def own_size_share(self) -> float:
        """Share of a coming episode's size that own episodes decide, the rest is other services'.

        Own ones are believed with n / (n + k), k = ``size_weight``; the prior weighs at least as much in size as
        in rate (its gamma shape). Then, as with a gamma process, one more small incident raises the rate of all
        incidents by more than it lowers the share of large ones: a worse record never looks better.
        """
        mean, variance = self._prior_moments
        return self.episodes / (self.episodes + max(self.size_weight, mean * mean / variance))

    def draw(self, rng: np.random.Generator, n: int) -> FloatArray:
        """Rates per day, stratified, one in twenty from the prior; shape (n,)."""
        return pick_rates(self, stratified(rng, n), regime_rows(n))


def pick_rates(knowledge: RateKnowledge, level: FloatArray, regime: npt.NDArray[np.bool_]) -> FloatArray:
    """Rates per day at these levels of [0, 1], from the prior where ``regime`` says so; shape (n,) all."""
    picked = np.where(regime, _pick(knowledge.prior_weights, level), _pick(knowledge.weights, level))
    return RATES[picked]


@dataclass(frozen=True)
class RateLevels:
    """Levels of [0, 1] that rates are picked at, time and again with other knowledge.

    ``regime``: those where the rate comes from the prior.
    """

    level: FloatArray
    regime: npt.NDArray[np.bool_]

    def rates(self, knowledge: RateKnowledge) -> FloatArray:
        """As :func:`pick_rates`. Levels are put in order once, so that a pick costs few comparisons."""
        cumulative = np.cumsum(knowledge.weights)
        ends = np.searchsorted(self._ascending, cumulative / cumulative[-1], side="right")
        ends[-1] = len(self.level)
        found = np.empty(len(self.level))
        found[self._order] = np.repeat(RATES, np.diff(ends, prepend=0))
        found[self._regime] = RATES[_pick(knowledge.prior_weights, self.level[self._regime])]
        return found

    @cached_property
    def _order(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.level, kind="stable")

    @cached_property
    def _ascending(self) -> FloatArray:
        return self.level[self._order]

    @cached_property
    def _regime(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.regime)


def regime_rows(n: int) -> npt.NDArray[np.bool_]:
    """Draws that stand for a coming change of regime."""
    return np.asarray(np.arange(n) % REGIME_SHARE == 0)


def stratified(rng: np.random.Generator, n: int) -> FloatArray:
    """Uniform levels, one in each n-th of [0, 1], in random order."""
    return np.asarray((rng.permutation(n) + rng.random(n)) / n)


def _pick(weights: FloatArray, level: FloatArray) -> npt.NDArray[np.int64]:
    cumulative = np.cumsum(weights)
    return np.minimum(np.searchsorted(cumulative / cumulative[-1], level), len(weights) - 1)
