"""The random numbers of a service's future windows, and what its base days amount to in them; made once.

The same numbers with other knowledge of slow spells tell what that knowledge is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from sloengine.domain.recommendation.incident_rate import RateLevels, regime_rows, stratified
from sloengine.domain.recommendation.latency_days import FACTORS, LatencyDays
from sloengine.domain.reliability.panel import FloatArray

_BLOCK_DAYS = 7


@dataclass
class LatencyNumbers:
    """Random numbers of ``n`` windows, and what their base days amount to; apart from what is known of incidents.

    ``base_tail``: mean tail of each window's base days, shape (n, n_factors).
    """

    n: int
    base_tail: FloatArray
    rate_level: FloatArray
    count_level: FloatArray
    goes_on: FloatArray
    scale: FloatArray
    level: FloatArray
    unseen: FloatArray
    _sizes: np.random.Generator
    _episodes: list[tuple[FloatArray, ...]] = field(default_factory=list)
    _base_factors: dict[float, FloatArray] = field(default_factory=dict)

    def base_factors(self, share: float) -> FloatArray:
        """Percentile of each window without any slow spell, as :func:`percentile_factors`."""
        if share not in self._base_factors:
            self._base_factors[share] = percentile_factors(falling(self.base_tail), share)
        return self._base_factors[share]

    @cached_property
    def rates(self) -> RateLevels:
        """What rates are picked with."""
        return RateLevels(self.rate_level, regime_rows(self.n))

    @classmethod
    def of(cls, days: LatencyDays, rng: np.random.Generator, n: int, window_days: float) -> LatencyNumbers:
        """Drawn from ``rng``."""
        base_rng, rate_rng, count_rng, size_rng, level_rng, unseen_rng = rng.spawn(6)
        scale_rng, sizes_rng = size_rng.spawn(2)
        return cls(
            n=n,
            base_tail=_base_tails(days, window_days, base_rng, n),
            rate_level=stratified(rate_rng, n),
            count_level=stratified(count_rng, n),
            goes_on=count_rng.random(n),
            scale=scale_rng.standard_normal(n),
            level=level_rng.standard_normal(n),
            unseen=stratified(unseen_rng, n),
            _sizes=sizes_rng,
        )

    def episode(self, position: int) -> tuple[FloatArray, ...]:
        """Of each window's slow spell at this position: own or not, pool or shipped, which one; and its jitter."""
        while len(self._episodes) <= position:
            rng = self._sizes.spawn(1)[0]
            drawn = (*(rng.random(self.n) for _ in range(3)), rng.standard_normal(self.n))
            self._episodes.append(drawn)
        return self._episodes[position]


def _base_tails(days: LatencyDays, window_days: float, rng: np.random.Generator, n_draws: int) -> FloatArray:
    """Mean tail of as many base days as the window has, drawn in blocks of a week, weighted by traffic."""
    base = np.flatnonzero(~days.bad)
    n, wanted = len(base), max(1, round(window_days))
    block = min(_BLOCK_DAYS, n)
    blocks = -(-wanted // block)
    starts = rng.integers(0, n, (n_draws, blocks))
    requests = days.requests[base]
    slow = requests[:, None] * days.tails[base]
    total, traffic = np.zeros((n_draws, slow.shape[1])), np.zeros((n_draws, 1))
    for number in range(blocks):
        # The last block may be cut short.
        following = (np.arange(n)[:, None] + np.arange(min(block, wanted - number * block))) % n
        if number in (0, blocks - 1):
            slow_by_start, requests_by_start = slow[following].sum(axis=1), requests[following].sum(axis=1)
        total += slow_by_start[starts[:, number]]
        traffic += requests_by_start[starts[:, number], None]
    total /= traffic
    return total


def falling(tail: FloatArray) -> FloatArray:
    """Shares that are at most 1 and do not rise from factor to factor."""
    # Factor by factor over all windows at once: along each window by itself it takes ten times as long.
    # (`minimum.accumulate` does so value by value: four times as long.)
    by_factor = np.minimum(tail.T, 1.0, order="C")
    for before, after in pairwise(by_factor):
        np.minimum(before, after, out=after)
    return np.asarray(by_factor.T)


def percentile_factors(tail: FloatArray, share: float) -> FloatArray:
    """Factor at which the tail falls to ``share``, log-linear between factors; infinite if it never does."""
    above = (tail > share).sum(axis=1)
    rows = np.arange(len(tail))
    right = np.clip(above, 1, len(FACTORS) - 1)
    high, low = tail[rows, right - 1], tail[rows, right]
    weight = np.clip((high - share) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    log = np.log(FACTORS)
    result = np.exp(log[right - 1] + weight * (log[right] - log[right - 1]))
    result[above == 0] = FACTORS[0]
    result[above == len(FACTORS)] = np.inf
    return np.asarray(result)
