"""The random numbers of future windows, made once and kept apart from what is known of a service.

The same numbers with other knowledge tell what the knowledge is worth, which is what explanations and
counterfactuals compare.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateLevels, regime_rows, stratified
from sloengine.domain.recommendation.poisson import gamma_quantile
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.reliability.panel import FloatArray

PEER_JITTER = 0.3
"""Spread of the logarithm by which the size of a peer's past episode is varied."""
SIZE_LOG_SD = 1.3
"""Spread of the logarithm of sizes, as far as it blurs what a small pool of episodes says."""


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
    _unseen_sizes: np.random.Generator
    mean_weights: FloatArray | None = None
    _episodes: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = field(default_factory=list)
    _unseen: list[FloatArray] = field(default_factory=list)
    _of: ServicePrior | None = None
    """The prior that what is kept below belongs to."""
    _others: list[FloatArray] = field(default_factory=list)
    _regime_base: FloatArray | None = None

    @classmethod
    def of(cls, rng: np.random.Generator, n: int) -> WindowNumbers:
        """Drawn from ``rng``."""
        rate_rng, shared_rng, count_rng, size_rng, base_rng, noise_rng, unseen_rng = rng.spawn(7)
        (unseen_sizes_rng,) = unseen_rng.spawn(1)
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
            _unseen_sizes=unseen_sizes_rng,
        )

    def episode(self, position: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Of each window's episode at this position: own or not, pool or shipped, which size; and its jitter."""
        while len(self._episodes) <= position:
            rng = self._sizes.spawn(1)[0]
            self._episodes.append(
                (rng.random(self.n), rng.random(self.n), rng.random(self.n), rng.standard_normal(self.n))
            )
        return self._episodes[position]

    def unseen_size(self, position: int) -> FloatArray:
        """Deviate of the size of each window's outage at this position among those of a kind not had yet."""
        while len(self._unseen) <= position:
            self._unseen.append(self._unseen_sizes.spawn(1)[0].standard_normal(self.n))
        return self._unseen[position]

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
            _unseen_sizes=self._unseen_sizes,
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

    def unseen_size(self, position: int) -> FloatArray:
        if self.whole is None or self.rows is None:
            raise ValueError("taken numbers need those they are taken from")
        return self.whole.unseen_size(position)[self.rows]

    def others_sizes(self, prior: ServicePrior, position: int, rows: npt.NDArray[np.intp]) -> FloatArray:
        if self.whole is None or self.rows is None:
            raise ValueError("taken numbers need those they are taken from")
        return self.whole.others_sizes(prior, position, self.rows[rows])


def _others_sizes(
    prior: ServicePrior, numbers: WindowNumbers, position: int, rows: npt.NDArray[np.intp]
) -> FloatArray:
    _, second, level, jitter = (values[rows] for values in numbers.episode(position))
    # The organisation's scale of sizes, too, is only known from so many episodes.
    scale_sd = SIZE_LOG_SD / np.sqrt(prior.evidence + shipped_prior.PSEUDO_EPISODES)
    size = shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(shipped_prior.SEVERITY_LOG_SD * jitter)
    pooled = np.flatnonzero(second < prior.pool_share)
    size[pooled] = picked(prior.pool, prior.pool_cumulative, level[pooled])
    size[pooled] *= np.exp(PEER_JITTER * jitter[pooled])
    size *= np.exp(scale_sd * numbers.scale[rows])
    return np.asarray(size)


def picked(values: FloatArray, cumulative: FloatArray, level: FloatArray) -> FloatArray:
    """The value at each level of a distribution over ascending values, by their cumulative weights."""
    if level.size == 0:
        return level
    return values[np.minimum(np.searchsorted(cumulative, level), len(values) - 1)]
