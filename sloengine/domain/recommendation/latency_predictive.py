"""The percentiles of a future window: base days, slow episodes, and a level that wanders.

Window tail = mean tail of resampled base days + excess tails of Poisson episodes over the window's length; the
whole shifts by the week-to-week spread of the base. The percentile is read off the tail, never averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateKnowledge, RateLevels, regime_rows, stratified
from sloengine.domain.recommendation.latency_days import FACTORS, LatencyDays
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.poisson import poisson_quantile
from sloengine.domain.recommendation.predictive import PredictiveFacts
from sloengine.domain.recommendation.window_draws import OWN_JITTER, unseen_outages
from sloengine.domain.recommendation.window_numbers import PEER_JITTER
from sloengine.domain.reliability.panel import FloatArray

SHIPPED_EXCESS_DAYS, SHIPPED_EXCESS_LOG_SD, SHIPPED_DECAY = 0.03, 1.3, 0.7
"""A shipped slow episode: 43 minutes of all requests above the base p95, a share that falls as factor ** -0.7."""
_REGIME_SPREAD = 4.0
_PSEUDO_WEEKS = 3.0
_BLOCK_DAYS = 7
_MOST_EPISODES = 200
_LEAST_EXCESS_DAYS = 1e-6
_AT_BASE = int(np.argmax(FACTORS >= 1.0))


@dataclass(frozen=True)
class LatencyPredictive:
    """Draws of a future window's percentiles, in seconds, shape (n_draws,); infinite beyond the measurable.

    ``rate_episodes``: slow spells of each draw that come as often as their rate says, without the one under way.
    """

    p95_seconds: FloatArray
    p99_seconds: FloatArray
    rate_episodes: npt.NDArray[np.int64]
    rate_weights: FloatArray
    window_days: float
    level_log_sd: float
    facts: PredictiveFacts


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
            self._base_factors[share] = percentile_factors(_falling(self.base_tail), share)
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


@dataclass(frozen=True)
class SlowSpells:
    """What is known of slow spells: their rate, own ones' shapes with their share, whether one is running."""

    rate: RateKnowledge
    shapes: FloatArray
    own_share: float
    running: bool


@dataclass(frozen=True)
class WanderingLevel:
    """Week-to-week spread of the logarithm of the base p95, from so many weeks; ``known_weeks`` of the level."""

    weekly_log_sd: float
    weeks: float
    known_weeks: float

    @classmethod
    def of(cls, days: LatencyDays) -> WanderingLevel:
        """As the days show it."""
        return cls(days.weekly_log_sd, days.weeks, max(days.weeks, len(days.ages) / 7.0))

    def variance(self, prior: LatencyPrior) -> float:
        """Shrunk to other services'."""
        known = self.weeks * self.weekly_log_sd**2 + _PSEUDO_WEEKS * prior.weekly_log_sd**2
        return known / (self.weeks + _PSEUDO_WEEKS)


def slow_spells(days: LatencyDays, prior: LatencyPrior, service_id: str) -> SlowSpells:
    """As the days show them."""
    rate = RateKnowledge.of(
        prior.rate_prior(service_id),
        day_ages=days.ages,
        exposure=np.ones(len(days.ages)),
        episode_ages=days.episode_ages,
    )
    return SlowSpells(rate, days.shapes, rate.own_size_share, days.running)


def predict_latency(
    days: LatencyDays,
    prior: LatencyPrior,
    service_id: str,
    *,
    window_days: float,
    rng: np.random.Generator,
    n_draws: int,
) -> LatencyPredictive:
    """Draw a future window's p95 and p99."""
    return predict_latency_with(
        days, prior, service_id, LatencyNumbers.of(days, rng, n_draws, window_days), window_days=window_days
    )


def predict_latency_with(
    days: LatencyDays, prior: LatencyPrior, service_id: str, numbers: LatencyNumbers, *, window_days: float
) -> LatencyPredictive:
    """As :func:`predict_latency`, with random numbers made before."""
    spells = slow_spells(days, prior, service_id)
    level = WanderingLevel.of(days)
    by_rate = rate_spells(spells, numbers, window_days)
    count = with_other_spells(by_rate, spells, prior, numbers, window_days)
    tails = window_tails(count, spells, prior, service_id, numbers, window_days)
    factor = level_factors(level, prior, numbers, window_days) * days.scale_seconds
    return LatencyPredictive(
        p95_seconds=tails.factors(0.05) * factor,
        p99_seconds=tails.factors(0.01) * factor,
        rate_episodes=by_rate,
        rate_weights=spells.rate.weights,
        window_days=window_days,
        level_log_sd=float(np.sqrt(level.variance(prior) / max(level.known_weeks, 0.3))),
        facts=PredictiveFacts(
            own_days=float(len(days.ages)),
            own_episodes=len(days.shapes),
            own_weight=spells.rate.own_weight,
            rate_per_day=spells.rate.mean_per_day,
            base_ratio=float((~days.bad).mean()),
            peers=prior.peers(service_id),
            peer_episodes=len(prior.peer_rows(service_id)[0]),
            running=days.running,
        ),
    )


def spell_counts(
    spells: SlowSpells, prior: LatencyPrior, numbers: LatencyNumbers, window_days: float
) -> npt.NDArray[np.int64]:
    """Slow spells in each window."""
    by_rate = rate_spells(spells, numbers, window_days)
    return with_other_spells(by_rate, spells, prior, numbers, window_days)


def rate_spells(spells: SlowSpells, numbers: LatencyNumbers, window_days: float) -> npt.NDArray[np.int64]:
    """Slow spells in each window that come as often as their rate says."""
    mean = numbers.rates.rates(spells.rate) * window_days
    return np.minimum(poisson_quantile(numbers.count_level, mean), _MOST_EPISODES).astype(np.int64)


def with_other_spells(
    by_rate: npt.NDArray[np.int64],
    spells: SlowSpells,
    prior: LatencyPrior,
    numbers: LatencyNumbers,
    window_days: float,
) -> npt.NDArray[np.int64]:
    """The same and those that have nothing to do with the rate: slow spells that many services share and that the
    organisation has not had yet (as for availability), and the one under way, with the chance that it goes on.
    """
    unseen = unseen_outages(numbers.unseen, shipped_prior.UNSEEN_DAYS + prior.seen_days, window_days)
    count = np.minimum(by_rate + unseen.astype(np.int64), _MOST_EPISODES)
    return count + (numbers.goes_on < 1 - 1 / shipped_prior.EPISODE_DAYS) if spells.running else count


def level_factors(
    level: WanderingLevel, prior: LatencyPrior, numbers: LatencyNumbers, window_days: float
) -> FloatArray:
    """Each window's own level, and how well the level of the past is known, as a factor."""
    known = min(1.0, 7.0 / window_days) + 1.0 / max(level.known_weeks, 0.3)
    spread = float(np.sqrt(level.variance(prior) * known))
    return np.exp(np.where(regime_rows(numbers.n), _REGIME_SPREAD, 1.0) * spread * numbers.level)


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


@dataclass(frozen=True)
class WindowTails:
    """Tails of windows: those of base days, and of the windows that have slow spells with these in them.

    ``rows``: windows with slow spells; ``tails``: theirs, shape (n_rows, n_factors).
    """

    numbers: LatencyNumbers
    rows: npt.NDArray[np.intp]
    tails: FloatArray

    def factors(self, share: float) -> FloatArray:
        """Each window's percentile as a multiple of the base p95; see :func:`percentile_factors`."""
        found = self.numbers.base_factors(share).copy()
        found[self.rows] = percentile_factors(self.tails, share)
        return found


def window_tails(
    count: npt.NDArray[np.int64],
    spells: SlowSpells,
    prior: LatencyPrior,
    service_id: str,
    numbers: LatencyNumbers,
    window_days: float,
) -> WindowTails:
    """Tail of each window: base days and the excess tails of its slow spells."""
    having = np.flatnonzero(count)
    spells_of = count[having]
    total = np.zeros((len(having), len(FACTORS)))
    rows, cumulative = prior.peer_rows(service_id)
    # A spell that a platform's services had together is one observation of how far and how long such things go.
    evidence = prior.evidence(service_id)
    pool_share = evidence / (evidence + shipped_prior.PSEUDO_EPISODES)
    scale_sd = SHIPPED_EXCESS_LOG_SD / np.sqrt(evidence + shipped_prior.PSEUDO_EPISODES)
    scale = np.exp(scale_sd * numbers.scale)
    median = _others_median(prior, rows, cumulative, evidence)
    shipped = np.maximum(FACTORS, 1.0) ** -SHIPPED_DECAY
    for position in range(int(count.max(initial=0))):
        active = np.flatnonzero(spells_of > position)
        window = having[active]
        source, second, level, jitter = (values[window] for values in numbers.episode(position))
        own = (source < spells.own_share) & (len(spells.shapes) > 0)
        pooled = ~own & (second < pool_share) & (len(rows) > 0)
        rest = ~own & ~pooled
        if own.any():
            chosen = (level[own] * len(spells.shapes)).astype(np.int64)
            total[active[own]] += spells.shapes[chosen] * np.exp(OWN_JITTER * jitter[own])[:, None]
        if pooled.any():
            chosen = rows[np.minimum(np.searchsorted(cumulative, level[pooled]), len(rows) - 1)]
            size = np.exp(PEER_JITTER * jitter[pooled]) * scale[window[pooled]]
            total[active[pooled]] += prior.shapes[chosen] * size[:, None]
        if rest.any():
            size = median * np.exp(SHIPPED_EXCESS_LOG_SD * jitter[rest]) * scale[window[rest]]
            total[active[rest]] += size[:, None] * shipped
    total /= window_days
    total += numbers.base_tail[having]
    return WindowTails(numbers, having, _falling(total))


def _others_median(
    prior: LatencyPrior, rows: npt.NDArray[np.int64], cumulative: FloatArray, evidence: float
) -> float:
    """Middle excess, in days, of spells in nobody's record: the shipped one, drawn to the peers' mean logarithm.

    As a normal law's mean with a normal prior worth ``PSEUDO_EPISODES``: an organisation whose spells are long has
    long ones still to come, also where it has had few.
    """
    if not len(rows):
        return SHIPPED_EXCESS_DAYS
    logs = np.log(np.maximum(prior.shapes[rows, _AT_BASE], _LEAST_EXCESS_DAYS))
    mean = float((np.diff(cumulative, prepend=0.0) * logs).sum())
    pseudo = shipped_prior.PSEUDO_EPISODES
    return float(np.exp((evidence * mean + pseudo * np.log(SHIPPED_EXCESS_DAYS)) / (evidence + pseudo)))


def _falling(tail: FloatArray) -> FloatArray:
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
