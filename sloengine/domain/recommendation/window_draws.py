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
    """The same and the one under way, which comes whatever the rate; ``by_rate``: shape (len(running), n)."""
    going_on = np.asarray(running, dtype=bool)[:, None] & (numbers.goes_on < 1 - 1 / prior.episode_days)
    return np.asarray(by_rate + going_on)


def unseen_outages(level: FloatArray, shape: float, days: float, window_days: float) -> npt.NDArray[np.int64]:
    """Shared outages in each window of a kind that the organisation has not had yet; shape as ``level``.

    Their rate has a gamma law of this shape after ``days``, so that their number is negative binomial. However
    many services have no record of it, that is one observation, not one each.

    >>> unseen_outages(np.array([0.9, 0.1, 0.01]), 1.0, 210.0, 28.0).tolist()
    [0, 1, 2]
    """
    none = days / (days + window_days)
    chance = none**shape
    above = 1.0 - chance
    count = np.zeros(level.shape, dtype=np.int64)
    least = max(float(level.min(initial=1.0)), 1e-12)
    number = 1
    while above > least:
        count += level < above
        chance *= (number - 1.0 + shape) / number * (1.0 - none)
        above -= chance
        number += 1
    return count


def unseen_counts(prior: ServicePrior, numbers: WindowNumbers, window_days: float) -> npt.NDArray[np.int64]:
    """Outages of a kind not had yet in each window.

    A gamma process: kinds that were seen are in the records, and whatever these say, the law of the others keeps
    its shape and gains the days (Lo 1982, Z. Wahrscheinlichkeitstheorie verw. Gebiete 59:55).
    """
    shape = shipped_prior.UNSEEN_COUNTS_AS_DAYS / shipped_prior.UNSEEN_EVERY_DAYS
    return unseen_outages(numbers.unseen, shape, prior.unseen_days, window_days)


def unseen_severity(prior: ServicePrior, numbers: WindowNumbers, window_days: float) -> FloatArray:
    """Sum of the sizes of each window's outages of a kind not had yet, in days of full outage.

    Sizes that were seen are those of other kinds: these have the shipped law.
    """
    count = unseen_counts(prior, numbers, window_days)
    total = np.zeros(numbers.n)
    for position in range(int(count.max(initial=0))):
        rows = np.flatnonzero(count > position)
        total[rows] += unseen_sizes(numbers, position)[rows]
    return total


def unseen_sizes(numbers: WindowNumbers, position: int) -> FloatArray:
    """Size of an outage of a kind not had yet in each window, in days of full outage."""
    size = shipped_prior.SEVERITY_LOG_SD * numbers.unseen_size(position)
    return np.asarray(shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(size))


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
    shape, mean = base_gamma(base, prior)
    ratio = gamma_quantile(numbers.base_level, shape, numbers.base_normal) * (mean / shape)
    ratio[numbers.regime] = numbers.regime_base(prior)
    return ratio


def base_gamma(base: BaseKnowledge, prior: ServicePrior) -> tuple[float, float]:
    """Shape and mean of the gamma law of that ratio: peers' law, updated by own counts over their dispersion.

    Requests that fail together are that much less evidence. That speaks against a clean record, which may only
    have had no burst yet, and not for an unclean one: its mean is not below what the counts taken whole would make
    it, so that of equal counts the more dispersed never have the tighter target.
    Source: quasi-likelihood; McCullagh & Nelder (1989), Generalized Linear Models, ch. 9.
    """
    effect = weekly_dispersion(base, prior)
    shape = prior.base_shape + base.bad / effect
    divided = shape / (prior.base_rate + base.valid / effect)
    whole = (prior.base_shape + base.bad) / (prior.base_rate + base.valid)
    return shape, max(divided, whole)


def weekly_dispersion(base: BaseKnowledge, prior: ServicePrior) -> float:
    """Variance of weekly base failures over Poisson's, at least 1: the service's own and the organisation's.

    The organisation's is that of services with as many failures in a week.
    """
    level = (prior.base_shape + base.bad) / (prior.base_rate + base.valid)
    weekly = 7.0 * level * base.valid / base.days if base.days > 0 else 0.0
    pseudo = shipped_prior.PSEUDO_WEEKS
    return max(1.0, (base.weeks * base.dispersion + pseudo * prior.spread.at(weekly)) / (base.weeks + pseudo))


def with_base_spread(
    ratio: FloatArray, base: BaseKnowledge, prior: ServicePrior, numbers: WindowNumbers, requests: float
) -> FloatArray:
    """The same, more or less from window to window than chance alone would have it."""
    dispersion = weekly_dispersion(base, prior)
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
