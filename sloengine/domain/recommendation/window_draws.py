"""Draws of a future window from what is known of a service, with random numbers in common.

The random numbers are made once and kept apart from what is known: the same numbers with other knowledge tell what
the knowledge is worth, which is what explanations and counterfactuals compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import (
    LEAST_SIZE_WEIGHT,
    RateKnowledge,
    RateLevels,
    regime_rows,
    stratified,
)
from sloengine.domain.recommendation.independent_starts import days_until_unseen
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.poisson import gamma_quantile, poisson_quantile
from sloengine.domain.reliability.panel import FloatArray

OWN_JITTER, PEER_JITTER = 0.5, 0.3
"""Spread of the logarithm by which a past episode's size is varied."""
SIZE_LOG_SD = 1.3
"""Spread of the logarithm of sizes, as far as it blurs what a small pool of episodes says."""
MOST_EPISODES = 400


@dataclass(frozen=True)
class ServicePrior:
    """What the organisation says of one service, its own history taken out.

    ``rate_weights``: on the grid of incident rates. ``pool`` and ``pool_cumulative``: peers' episode sizes,
    ascending, ``pool_share`` in [0, 1] against the shipped sizes. ``evidence``: independent episodes in the pool.
    ``unseen_days``: a shared outage that the organisation has not had yet comes once in so many days; infinite:
    those that it had say all. ``own_size_weight``: own episodes that the pool is worth, at least, in a size.
    ``base_shape`` and ``base_rate``: of the gamma law of failures outside incidents. ``peers`` and
    ``peer_episodes``: other services and their episodes that it was learnt from.
    """

    rate_weights: FloatArray
    pool: FloatArray
    pool_cumulative: FloatArray
    pool_share: float
    evidence: float
    base_shape: float
    base_rate: float
    dispersion: float
    episode_days: float
    unseen_days: float
    peers: int = 0
    peer_episodes: int = 0
    own_size_weight: float = shipped_prior.OWN_SIZE_WEIGHT

    @classmethod
    def of(cls, prior: OrganizationPrior, service_id: str) -> ServicePrior:
        """Taken from the organisation's prior."""
        pool, cumulative = prior.severity_pool(service_id)
        peer_episodes = prior.peer_episodes(service_id)
        evidence = prior.pool_evidence(service_id) if len(pool) else 0.0
        shape, rate = prior.base_gamma(service_id)
        return cls(
            rate_weights=prior.rate_prior(service_id),
            pool=pool,
            pool_cumulative=cumulative,
            pool_share=evidence / (evidence + shipped_prior.PSEUDO_EPISODES),
            evidence=evidence,
            base_shape=shape,
            base_rate=rate,
            dispersion=prior.dispersion,
            episode_days=prior.episode_days,
            unseen_days=days_until_unseen(prior.shared_outages, prior.seen_days),
            peers=prior.peers(service_id),
            peer_episodes=peer_episodes,
            own_size_weight=max(LEAST_SIZE_WEIGHT, prior.own_size_weight),
        )


@dataclass(frozen=True)
class SizeKnowledge:
    """Own episodes' sizes, ascending, with their cumulative weights, and their share in the size of a new one."""

    sizes: FloatArray
    cumulative: FloatArray
    own_share: float

    @classmethod
    def of(cls, sizes: FloatArray, weights: FloatArray, own_share: float) -> SizeKnowledge:
        """From sizes in any order; without sizes nothing is own."""
        order = np.argsort(sizes, kind="stable")
        weight = weights[order]
        cumulative = np.cumsum(weight) / max(float(weight.sum()), 1e-300)
        return cls(sizes[order], cumulative, own_share if len(sizes) else 0.0)


@dataclass(frozen=True)
class BaseKnowledge:
    """Failures outside incidents: own events, and their variance over Poisson's from that many weeks."""

    bad: float
    valid: float
    dispersion: float
    weeks: float


@dataclass
class WindowNumbers:
    """Random numbers of ``n`` windows; each episode of a window has its own.

    ``regime``: windows that stand for a coming change of regime. ``weights``: how many windows each stands for;
    None: itself. ``mean_weights``: the same where means are taken; None: ``weights``. A row's numbers depend
    neither on the other rows nor on how many episodes they have.
    """

    n: int
    regime: npt.NDArray[np.bool_]
    rate_level: FloatArray
    shared: FloatArray
    count_level: FloatArray
    goes_on: FloatArray
    unseen: FloatArray
    scale: FloatArray
    base_level: FloatArray
    base_normal: FloatArray
    base_factor: FloatArray
    factor_normal: FloatArray
    noise_level: FloatArray
    noise_normal: FloatArray
    weights: FloatArray | None
    _sizes: np.random.Generator
    mean_weights: FloatArray | None = None
    _episodes: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    _of: ServicePrior | None = None
    """The prior that what is kept below belongs to."""
    _others: list[FloatArray] = field(default_factory=list)
    _regime_base: FloatArray | None = None

    @classmethod
    def of(cls, rng: np.random.Generator, n: int) -> WindowNumbers:
        """Drawn from ``rng``."""
        rate_rng, shared_rng, count_rng, size_rng, base_rng, noise_rng, unseen_rng = rng.spawn(7)
        scale_rng, sizes_rng = size_rng.spawn(2)
        base_level, base_factor = stratified(base_rng, n), base_rng.random(n)
        noise_level = noise_rng.random(n)
        return cls(
            n=n,
            regime=regime_rows(n),
            rate_level=stratified(rate_rng, n),
            shared=shared_rng.standard_normal(n),
            count_level=stratified(count_rng, n),
            goes_on=count_rng.random(n),
            unseen=unseen_rng.random(n),
            scale=scale_rng.standard_normal(n),
            base_level=base_level,
            base_normal=ndtri(base_level),
            base_factor=base_factor,
            factor_normal=ndtri(base_factor),
            noise_level=noise_level,
            noise_normal=ndtri(noise_level),
            weights=None,
            _sizes=sizes_rng,
        )

    def episode(self, position: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Of each window's episode at this position: own or not, pool or shipped, which size; and its jitter."""
        while len(self._episodes) <= position:
            rng = self._sizes.spawn(1)[0]
            self._episodes.append(
                (rng.random(self.n), rng.random(self.n), rng.random(self.n), rng.standard_normal(self.n))
            )
        return self._episodes[position]

    @cached_property
    def rates(self) -> RateLevels:
        """What rates are picked with."""
        return RateLevels(self.rate_level, self.regime)

    def others_sizes(self, prior: ServicePrior, position: int, rows: npt.NDArray[np.intp]) -> FloatArray:
        """Sizes of these windows' episodes at this position as other services have them, in days of full outage.

        They depend on the prior and on nothing that is known of the service itself, so each is worked out once.
        """
        self._keep_for(prior)
        while len(self._others) <= position:
            self._others.append(np.full(self.n, np.nan))
        kept = self._others[position]
        found = kept[rows]
        missing = np.isnan(found)
        if missing.any():
            fresh = rows[missing]
            found[missing] = kept[fresh] = _others_sizes(prior, self, position, fresh)
        return found

    def regime_base(self, prior: ServicePrior) -> FloatArray:
        """Ratio of failures outside incidents after a change of regime, of the windows that stand for one."""
        self._keep_for(prior)
        if self._regime_base is None:
            levels = self.base_level[self.regime]
            self._regime_base = gamma_quantile(levels, prior.base_shape) / prior.base_rate
        return self._regime_base

    def _keep_for(self, prior: ServicePrior) -> None:
        if self._of is not prior:
            self._of, self._others, self._regime_base = prior, [], None

    def take(
        self, rows: npt.NDArray[np.int64], weights: FloatArray, mean_weights: FloatArray | None = None
    ) -> WindowNumbers:
        """The numbers of some windows, each of which stands for so many; ``episode`` goes on from the streams."""
        return _Taken(
            n=len(rows),
            regime=self.regime[rows],
            rate_level=self.rate_level[rows],
            shared=self.shared[rows],
            count_level=self.count_level[rows],
            goes_on=self.goes_on[rows],
            unseen=self.unseen[rows],
            scale=self.scale[rows],
            base_level=self.base_level[rows],
            base_normal=self.base_normal[rows],
            base_factor=self.base_factor[rows],
            factor_normal=self.factor_normal[rows],
            noise_level=self.noise_level[rows],
            noise_normal=self.noise_normal[rows],
            weights=weights,
            _sizes=self._sizes,
            mean_weights=mean_weights,
            whole=self,
            rows=rows,
        )

    def mean(self, values: FloatArray) -> float:
        """Mean over the windows that these stand for."""
        weights = self.weights if self.mean_weights is None else self.mean_weights
        return float(values.mean() if weights is None else values @ weights / weights.sum())


@dataclass
class _Taken(WindowNumbers):
    whole: WindowNumbers | None = None
    rows: npt.NDArray[np.int64] | None = None

    def episode(self, position: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        if self.whole is None:
            raise ValueError("taken numbers need those they are taken from")
        while len(self._episodes) <= position:
            source, second, level, jitter = self.whole.episode(len(self._episodes))
            self._episodes.append((source[self.rows], second[self.rows], level[self.rows], jitter[self.rows]))
        return self._episodes[position]

    def others_sizes(self, prior: ServicePrior, position: int, rows: npt.NDArray[np.intp]) -> FloatArray:
        if self.whole is None or self.rows is None:
            raise ValueError("taken numbers need those they are taken from")
        return self.whole.others_sizes(prior, position, self.rows[rows])


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
    return _picked(sizes.sizes, sizes.cumulative, level) * np.exp(OWN_JITTER * jitter)


def _others_sizes(
    prior: ServicePrior, numbers: WindowNumbers, position: int, rows: npt.NDArray[np.intp]
) -> FloatArray:
    _, second, level, jitter = (values[rows] for values in numbers.episode(position))
    # The organisation's scale of sizes, too, is only known from so many episodes.
    scale_sd = SIZE_LOG_SD / np.sqrt(prior.evidence + shipped_prior.PSEUDO_EPISODES)
    size = shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(shipped_prior.SEVERITY_LOG_SD * jitter)
    pooled = np.flatnonzero(second < prior.pool_share)
    size[pooled] = _picked(prior.pool, prior.pool_cumulative, level[pooled])
    size[pooled] *= np.exp(PEER_JITTER * jitter[pooled])
    size *= np.exp(scale_sd * numbers.scale[rows])
    return np.asarray(size)


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


def _picked(values: FloatArray, cumulative: FloatArray, level: FloatArray) -> FloatArray:
    if level.size == 0:
        return level
    return values[np.minimum(np.searchsorted(cumulative, level), len(values) - 1)]
