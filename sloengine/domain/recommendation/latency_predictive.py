"""The percentiles of a future window: base days, slow episodes, and a level that wanders.

Window tail = mean tail of resampled base days + excess tails of Poisson episodes over the window's length; the
whole shifts by the week-to-week spread of the base. The percentile is read off the tail, never averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateKnowledge, regime_rows, stratified
from sloengine.domain.recommendation.latency_days import FACTORS, LatencyDays
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.poisson import poisson_quantile
from sloengine.domain.recommendation.predictive import PredictiveFacts
from sloengine.domain.recommendation.window_draws import OWN_JITTER, PEER_JITTER
from sloengine.domain.reliability.panel import FloatArray

SHIPPED_EXCESS_DAYS, SHIPPED_EXCESS_LOG_SD, SHIPPED_DECAY = 0.03, 1.3, 0.7
"""A shipped slow episode: 43 minutes of all requests above the base p95, a share that falls as factor ** -0.7."""
_REGIME_SPREAD = 4.0
_PSEUDO_WEEKS = 3.0
_BLOCK_DAYS = 7
_MOST_EPISODES = 200


@dataclass(frozen=True)
class LatencyPredictive:
    """Draws of a future window's percentiles, in seconds, shape (n_draws,); infinite beyond the measurable."""

    p95_seconds: FloatArray
    p99_seconds: FloatArray
    episode_count: npt.NDArray[np.int64]
    rate_weights: FloatArray
    window_days: float
    level_log_sd: float
    facts: PredictiveFacts


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
    base_rng, rate_rng, count_rng, size_rng, level_rng = rng.spawn(5)
    tail = _base_tails(days, window_days, base_rng, n_draws)
    knowledge = RateKnowledge.of(
        prior.rate_prior(service_id),
        day_ages=days.ages,
        exposure=np.ones(len(days.ages)),
        episode_ages=days.episode_ages,
    )
    mean = knowledge.draw(rate_rng, n_draws) * window_days
    uniform = stratified(count_rng, n_draws)
    count = np.minimum(poisson_quantile(uniform, mean), _MOST_EPISODES).astype(np.int64)
    if days.running:
        count = count + (count_rng.random(n_draws) < 1 - 1 / shipped_prior.EPISODE_DAYS)
    tail += _episode_tails(count, days, prior, service_id, knowledge.own_size_share, size_rng) / window_days
    tail = np.minimum.accumulate(np.minimum(tail, 1.0), axis=1)
    own_weeks = max(days.weeks, len(days.ages) / 7.0)
    variance = (days.weeks * days.weekly_log_sd**2 + _PSEUDO_WEEKS * prior.weekly_log_sd**2) / (
        days.weeks + _PSEUDO_WEEKS
    )
    # The window's own level, and how well the level of the past is known.
    level_sd = float(np.sqrt(variance * (min(1.0, 7.0 / window_days) + 1.0 / max(own_weeks, 0.3))))
    factor = np.exp(
        np.where(regime_rows(n_draws), _REGIME_SPREAD, 1.0) * level_sd * level_rng.standard_normal(n_draws)
    )
    n_own = len(days.shapes)
    return LatencyPredictive(
        p95_seconds=_percentile(tail, 0.05) * factor * days.scale_seconds,
        p99_seconds=_percentile(tail, 0.01) * factor * days.scale_seconds,
        episode_count=count,
        rate_weights=knowledge.weights,
        window_days=window_days,
        level_log_sd=float(np.sqrt(variance / max(own_weeks, 0.3))),
        facts=PredictiveFacts(
            own_days=float(len(days.ages)),
            own_episodes=n_own,
            own_weight=knowledge.own_weight,
            rate_per_day=knowledge.mean_per_day,
            base_ratio=float((~days.bad).mean()),
            peers=prior.peers(service_id),
            peer_episodes=len(prior.peer_rows(service_id)[0]),
            running=days.running,
        ),
    )


def _base_tails(days: LatencyDays, window_days: float, rng: np.random.Generator, n_draws: int) -> FloatArray:
    """Mean tail of as many base days as the window has, drawn in blocks of a week, weighted by traffic."""
    base = np.flatnonzero(~days.bad)
    n, wanted = len(base), max(1, round(window_days))
    block = min(_BLOCK_DAYS, n)
    blocks = -(-wanted // block)
    starts = rng.integers(0, n, (n_draws, blocks))
    index = ((starts[:, :, None] + np.arange(block)) % n).reshape(n_draws, -1)[:, :wanted]
    flat = (np.arange(n_draws)[:, None] * n + index).ravel()
    times = np.bincount(flat, minlength=n_draws * n).reshape(n_draws, n)
    traffic = times * days.requests[base]
    return np.asarray((traffic @ days.tails[base]) / traffic.sum(axis=1, keepdims=True))


def _episode_tails(
    count: npt.NDArray[np.int64],
    days: LatencyDays,
    prior: LatencyPrior,
    service_id: str,
    own_share: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Sum of the excess tails of each draw's episodes, in days; shape (n_draws, n_factors)."""
    total = np.zeros((len(count), len(FACTORS)))
    rows, cumulative = prior.peer_rows(service_id)
    pool_share = len(rows) / (len(rows) + shipped_prior.PSEUDO_EPISODES)
    scale_sd = SHIPPED_EXCESS_LOG_SD / np.sqrt(prior.evidence(service_id) + shipped_prior.PSEUDO_EPISODES)
    scale_rng, sizes_rng = rng.spawn(2)
    scale = np.exp(scale_sd * scale_rng.standard_normal(len(count)))
    shipped = np.maximum(FACTORS, 1.0) ** -SHIPPED_DECAY
    for position, generator in enumerate(sizes_rng.spawn(int(count.max(initial=0)))):
        active = np.flatnonzero(count > position)
        n = int(active[-1]) + 1
        source, second, level = (generator.random(n)[active] for _ in range(3))
        jitter = generator.standard_normal(n)[active]
        own = source < own_share
        pooled = ~own & (second < pool_share) & (len(rows) > 0)
        rest = ~own & ~pooled
        if own.any():
            chosen = (level[own] * len(days.shapes)).astype(np.int64)
            total[active[own]] += days.shapes[chosen] * np.exp(OWN_JITTER * jitter[own])[:, None]
        if pooled.any():
            chosen = rows[np.minimum(np.searchsorted(cumulative, level[pooled]), len(rows) - 1)]
            size = np.exp(PEER_JITTER * jitter[pooled]) * scale[active[pooled]]
            total[active[pooled]] += prior.shapes[chosen] * size[:, None]
        if rest.any():
            size = SHIPPED_EXCESS_DAYS * np.exp(SHIPPED_EXCESS_LOG_SD * jitter[rest]) * scale[active[rest]]
            total[active[rest]] += size[:, None] * shipped
    return total


def _percentile(tail: FloatArray, share: float) -> FloatArray:
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
