"""How often incidents start: a mixture over a grid of rates, learnt from all services by EM.

Source of the method: nonparametric empirical Bayes (Laird, 1978, JASA 73:805), kept smooth by a shipped lognormal
that counts as a few services; a service is taken out of its own prior by one step of leave-one-out.
"""

from __future__ import annotations

import numpy as np

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


def learn_mixture(episodes: FloatArray, days: FloatArray) -> FloatArray:
    """Weights of the organisation's mixture, the shipped prior counting as five services; sum 1."""
    shipped = shipped_weights()
    seen = days > 0
    if not seen.any():
        return shipped
    table = likelihood(episodes[seen], days[seen])
    weights = shipped
    for _ in range(_ROUNDS):
        share = table * weights
        share /= share.sum(axis=1, keepdims=True)
        weights = share.sum(axis=0) + shipped_prior.PSEUDO_SERVICES * shipped
        weights /= weights.sum()
    return np.asarray(weights)


def without(weights: FloatArray, n_services: int, episodes: float, days: float) -> FloatArray:
    """The mixture with one service's own contribution taken out again."""
    if days <= 0:
        return weights
    share = likelihood(np.array([episodes]), np.array([days]))[0] * weights
    share /= share.sum()
    rest = np.maximum((n_services + shipped_prior.PSEUDO_SERVICES) * weights - share, 1e-300)
    return np.asarray(rest / rest.sum())


def posterior(weights: FloatArray, episodes: float, days: float) -> FloatArray:
    """Weights of the grid after this many (discounted) episodes in this many (discounted) days."""
    if days <= 0:
        return weights
    product = weights * likelihood(np.array([episodes]), np.array([days]))[0]
    return np.asarray(product / product.sum())
