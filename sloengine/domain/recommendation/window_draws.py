"""Draws of a future window from what is known of a service, with random numbers in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateKnowledge
from sloengine.domain.recommendation.poisson import gamma_quantile, poisson_quantile
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior, SizeKnowledge
from sloengine.domain.recommendation.window_numbers import WindowNumbers, picked
from sloengine.domain.reliability.panel import FloatArray

OWN_JITTER = 0.5
"""Spread of the logarithm by which the size of an own past episode is varied."""
MOST_EPISODES = 400


def episode_counts(
    rate: RateKnowledge, prior: ServicePrior, numbers: WindowNumbers, window_days: float, *, running: bool
) -> npt.NDArray[np.int64]:
    """Incident episodes in each window.

    ``running``: the incident of the last day goes on with the chance that episodes last another day.
    """
    counts: npt.NDArray[np.int64] = many_episode_counts([(rate, running)], prior, numbers, window_days)[0]
    return counts


def many_episode_counts(
    known: Sequence[tuple[RateKnowledge, bool]], prior: ServicePrior, numbers: WindowNumbers, window_days: float
) -> npt.NDArray[np.int64]:
    """As :func:`episode_counts` under several suppositions at once, shape (len(known), n)."""
    by_rate = rate_episodes([rate for rate, _ in known], prior, numbers, window_days)
    return with_other_episodes(by_rate, [running for _, running in known], prior, numbers, window_days)


def rate_episodes(
    rates: Sequence[RateKnowledge], prior: ServicePrior, numbers: WindowNumbers, window_days: float
) -> npt.NDArray[np.int64]:
    """Episodes in each window that come as often as the incident rate says, shape (len(rates), n)."""
    means = np.empty((len(rates), numbers.n))
    for row, rate in zip(means, rates, strict=True):
        # The organisation's own rate is only known from so many episodes: one factor for a whole window.
        blur = (1 - rate.own_weight) / np.sqrt(prior.evidence + shipped_prior.PSEUDO_EPISODES)
        row[:] = numbers.rates.rates(rate) * window_days * np.exp(blur * numbers.shared)
    return np.asarray(np.minimum(poisson_quantile(numbers.count_level, means), MOST_EPISODES).astype(np.int64))


def with_other_episodes(
    by_rate: npt.NDArray[np.int64],
    running: Sequence[bool],
    prior: ServicePrior,
    numbers: WindowNumbers,
    window_days: float,
) -> npt.NDArray[np.int64]:
    """The same and those that have nothing to do with the rate: shared outages not had yet, the one under way.

    ``by_rate``: shape (len(running), n).
    """
    unseen = unseen_outages(numbers.unseen, prior.unseen_days, window_days).astype(np.int64)
    counts = np.minimum(by_rate + unseen, MOST_EPISODES)
    going_on = np.asarray(running, dtype=bool)[:, None] & (numbers.goes_on < 1 - 1 / prior.episode_days)
    return np.asarray(counts + going_on)


def unseen_outages(level: FloatArray, unseen_days: float, window_days: float) -> FloatArray:
    """Shared outages in each window of a kind that the organisation has not had yet; shape as ``level``.

    The number in a window is geometric, as with a rate of gamma law of shape 1 and mean 1 / u, u =
    :func:`~sloengine.domain.recommendation.independent_starts.days_until_unseen`: P(N >= k) = (w / (w + u))^k.
    However many services have no record of it, that is one observation, not one each.

    >>> unseen_outages(np.array([0.9, 0.1, 0.01]), 210.0, 28.0).tolist()
    [0.0, 1.0, 2.0]
    """
    if not np.isfinite(unseen_days):
        return np.zeros_like(level)
    again = window_days / (window_days + unseen_days)
    return np.asarray(np.floor(np.log(np.maximum(level, 1e-300)) / np.log(again)))


def episode_sizes(
    sizes: SizeKnowledge,
    prior: ServicePrior,
    numbers: WindowNumbers,
    position: int,
    rows: npt.NDArray[np.intp],
) -> FloatArray:
    """Size of the episode at this position in these windows, in days of full outage."""
    size = numbers.others_sizes(prior, position, rows)
    if sizes.own_share > 0.0:
        source, _, level, jitter = numbers.episode(position)
        own = np.flatnonzero(source[rows] < sizes.own_share)
        size[own] = own_sizes(sizes, level[rows[own]], jitter[rows[own]])
    return size


def own_sizes(sizes: SizeKnowledge, level: FloatArray, jitter: FloatArray) -> FloatArray:
    """Sizes of episodes that are like the service's own."""
    return picked(sizes.sizes, sizes.cumulative, level) * np.exp(OWN_JITTER * jitter)


def window_severity(
    count: npt.NDArray[np.int64], sizes: SizeKnowledge, prior: ServicePrior, numbers: WindowNumbers
) -> FloatArray:
    """Sum of the sizes of each window's episodes, in days of full outage."""
    total = np.zeros(len(count))
    for position in range(int(count.max(initial=0))):
        rows = np.flatnonzero(count > position)
        total[rows] += episode_sizes(sizes, prior, numbers, position, rows)
    return total


def base_failures(base: BaseKnowledge, prior: ServicePrior, numbers: WindowNumbers, requests: float) -> FloatArray:
    """Ratio of failures outside incidents in each window, with their spread from window to window."""
    return with_base_spread(base_level(base, prior, numbers), base, prior, numbers, requests)


def base_level(base: BaseKnowledge, prior: ServicePrior, numbers: WindowNumbers) -> FloatArray:
    """Ratio of failures outside incidents as far as it is known, in each window."""
    shape = prior.base_shape + base.bad
    ratio = gamma_quantile(numbers.base_level, shape, numbers.base_normal) / (prior.base_rate + base.valid)
    ratio[numbers.regime] = numbers.regime_base(prior)
    return ratio


def with_base_spread(
    ratio: FloatArray, base: BaseKnowledge, prior: ServicePrior, numbers: WindowNumbers, requests: float
) -> FloatArray:
    """The same, more or less from window to window than chance alone would have it."""
    pseudo = shipped_prior.PSEUDO_WEEKS
    dispersion = (base.weeks * base.dispersion + pseudo * prior.dispersion) / (base.weeks + pseudo)
    if dispersion <= 1.0 or not np.isfinite(requests) or requests <= 0:
        return ratio
    # Variance beyond Poisson's, as a gamma factor of mean 1; its squared variation is (dispersion - 1) / mean.
    expected = max(numbers.mean(ratio) * requests, 1.0)
    variation = min((dispersion - 1.0) / expected, 4.0)
    factor_shape = 1.0 / variation
    return np.asarray(
        ratio * gamma_quantile(numbers.base_factor, factor_shape, numbers.factor_normal) / factor_shape
    )


def with_sampling_noise(unavailability: FloatArray, numbers: WindowNumbers, requests: float) -> FloatArray:
    """As so many requests would show it; infinitely many show it as it is."""
    certain = np.minimum(1.0, unavailability)
    if not np.isfinite(requests) or requests <= 0:
        return certain
    return np.minimum(
        1.0, poisson_quantile(numbers.noise_level, certain * requests, numbers.noise_normal) / requests
    )
