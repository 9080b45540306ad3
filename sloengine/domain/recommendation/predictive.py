"""The distribution of a future window's unavailability: hierarchical Bayes on incidents.

Window = Poisson(length x rate) incident episodes + failures outside incidents + sampling noise of the traffic.
The rate has a prior learnt from the organisation; sizes come from own, peers' and shipped episodes; base failures
are shrunk to peers. Own incidents are forgotten with a half-life, and a small share of the draws takes rate and
base from the prior, as a coming change of regime would. One mechanism for mature, young and brand-new services.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateKnowledge, regime_rows, stratified
from sloengine.domain.recommendation.incidents import IncidentSplit, split_incidents
from sloengine.domain.recommendation.organization_prior import PEER_HALF_LIFE_DAYS, OrganizationPrior
from sloengine.domain.recommendation.poisson import gamma_quantile, poisson_quantile
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray

OWN_JITTER, PEER_JITTER = 0.5, 0.3
"""Spread of the logarithm by which a past episode's size is varied."""
SIZE_LOG_SD = 1.3
"""Spread of the logarithm of sizes, as far as it blurs what a small pool of episodes says."""
_MOST_EPISODES = 400


@dataclass(frozen=True)
class PredictiveFacts:
    """What the draws rest on.

    ``own_days``: days with data, ``own_episodes``: incidents in them, ``own_weight``: share in [0, 1] that own
    history has in the incident rate, the rest is the prior's. ``rate_per_day``: mean incident rate.
    """

    own_days: float
    own_episodes: int
    own_weight: float
    rate_per_day: float
    base_ratio: float
    peers: int
    peer_episodes: int
    running: bool


@dataclass(frozen=True)
class Predictive:
    """Draws of a future window.

    ``unavailability``: shape (n_draws,), in [0, 1]. ``episode_count``: episodes in each draw;
    ``base``: failures outside incidents. ``rate_weights``: the posterior on the grid of incident rates, and
    ``severity_log_sd``: how well sizes are known; both are behind the interval of a target.
    """

    unavailability: FloatArray
    episode_count: npt.NDArray[np.int64]
    base: FloatArray
    rate_weights: FloatArray
    window_days: float
    severity_log_sd: float
    facts: PredictiveFacts


def predict(
    history: DailyHistory,
    prior: OrganizationPrior,
    *,
    window_days: float,
    expected_daily_traffic: float,
    rng: np.random.Generator,
    n_draws: int,
) -> Predictive:
    """Draw a future window of the single service in ``history``.

    ``expected_daily_traffic``: valid events per day, for the sampling noise; infinite switches it off. Works
    without any days at all: then everything comes from the prior.
    """
    service_id = history.service_ids[0]
    split = split_incidents(history)
    rate_rng, shared_rng, count_rng, size_rng, base_rng, noise_rng = rng.spawn(6)
    knowledge = RateKnowledge.of(
        prior.rate_prior(service_id),
        day_ages=history.ages,
        exposure=np.where(history.valid[0] > 0, history.exposure[0], 0.0),
        episode_ages=split.age,
    )
    # The organisation's own rate is only known from so many episodes: one factor for a whole window.
    blur = (1 - knowledge.own_weight) / np.sqrt(prior.pool_evidence(service_id) + shipped_prior.PSEUDO_EPISODES)
    shared = np.exp(blur * shared_rng.standard_normal(n_draws))
    mean_episodes = knowledge.draw(rate_rng, n_draws) * window_days * shared
    count = poisson_quantile(stratified(count_rng, n_draws), mean_episodes).astype(np.int64)
    count = np.minimum(count, _MOST_EPISODES)
    running = bool(split.running[0])
    if running:
        # The incident of the last day goes on with the chance that episodes last another day.
        goes_on = count_rng.random(n_draws) < 1 - 1 / prior.episode_days
        count = count + goes_on
    sizes = _SizeDraw(split, prior, service_id, knowledge.own_size_share)
    severity = _window_severity(count, sizes, size_rng) / window_days
    base = _base(split, prior, service_id, window_days * expected_daily_traffic, n_draws, base_rng)
    unavailability = np.minimum(1.0, base + severity)
    requests = window_days * expected_daily_traffic
    if np.isfinite(requests) and requests > 0:
        noisy = poisson_quantile(noise_rng.random(n_draws), unavailability * requests) / requests
        unavailability = np.minimum(1.0, noisy)
    n_own = len(split.severity)
    return Predictive(
        unavailability=unavailability,
        episode_count=count,
        base=base,
        rate_weights=knowledge.weights,
        window_days=window_days,
        severity_log_sd=1.0 / np.sqrt(n_own + 1.0),
        facts=PredictiveFacts(
            own_days=float(history.exposure.sum()),
            own_episodes=n_own,
            own_weight=knowledge.own_weight,
            rate_per_day=knowledge.mean_per_day,
            base_ratio=float(base.mean()),
            peers=prior.peers(service_id),
            peer_episodes=prior.peer_episodes(service_id),
            running=running,
        ),
    )


def _window_severity(count: npt.NDArray[np.int64], draw_size: _SizeDraw, rng: np.random.Generator) -> FloatArray:
    """Sum of the sizes of each draw's episodes, in days of full outage."""
    total = np.zeros(len(count))
    most = int(count.max(initial=0))
    if most == 0:
        return total
    scale_rng, sizes_rng = rng.spawn(2)
    # So is the organisation's scale of sizes.
    scale = np.exp(draw_size.scale_log_sd * scale_rng.standard_normal(len(count)))
    for position, generator in enumerate(sizes_rng.spawn(most)):
        # Each position has its own stream, so that one episode more leaves the others as they were.
        rows = np.flatnonzero(count > position)
        total[rows] += draw_size(generator, rows, scale)
    return total


class _SizeDraw:
    """Draws sizes of episodes from own, peers' and shipped ones."""

    def __init__(self, split: IncidentSplit, prior: OrganizationPrior, service_id: str, own_share: float) -> None:
        own, age = split.of(0)
        order = np.argsort(own, kind="stable")
        weight = 0.5 ** (age[order] / PEER_HALF_LIFE_DAYS)
        self._own = own[order]
        self._own_cumulative = np.cumsum(weight) / max(float(weight.sum()), 1e-300)
        self._own_share = own_share if len(own) else 0.0
        self._pool, self._pool_cumulative = prior.severity_pool(service_id)
        episodes = prior.peer_episodes(service_id) if len(self._pool) else 0
        self._pool_share = episodes / (episodes + shipped_prior.PSEUDO_EPISODES)
        evidence = prior.pool_evidence(service_id)
        self.scale_log_sd = SIZE_LOG_SD / np.sqrt(evidence + shipped_prior.PSEUDO_EPISODES)

    def __call__(self, rng: np.random.Generator, rows: npt.NDArray[np.int64], scale: FloatArray) -> FloatArray:
        """One size for each of these rows (ascending); a row's random numbers do not depend on the others."""
        n = int(rows[-1]) + 1
        source, second, level = (rng.random(n)[rows] for _ in range(3))
        jitter = rng.standard_normal(n)[rows]
        size = shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(shipped_prior.SEVERITY_LOG_SD * jitter)
        pooled = np.flatnonzero(second < self._pool_share)
        size[pooled] = self._picked(self._pool, self._pool_cumulative, level[pooled])
        size[pooled] *= np.exp(PEER_JITTER * jitter[pooled])
        size *= scale[rows]
        own = np.flatnonzero(source < self._own_share)
        size[own] = self._picked(self._own, self._own_cumulative, level[own])
        size[own] *= np.exp(OWN_JITTER * jitter[own])
        return size

    @staticmethod
    def _picked(values: FloatArray, cumulative: FloatArray, level: FloatArray) -> FloatArray:
        if level.size == 0:
            return level
        return values[np.minimum(np.searchsorted(cumulative, level), len(values) - 1)]


def _base(
    split: IncidentSplit,
    prior: OrganizationPrior,
    service_id: str,
    requests: float,
    n: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Ratio of failures outside incidents in each draw, with their spread from window to window."""
    regime = regime_rows(n)
    shape, rate = prior.base_gamma(service_id)
    level = stratified(rng, n)
    own_bad, own_valid = float(split.base_bad[0]), float(split.base_valid[0])
    base = gamma_quantile(level, shape + own_bad) / (rate + own_valid)
    base[regime] = gamma_quantile(level[regime], shape) / rate
    weeks, pseudo = float(split.dispersion_weeks[0]), shipped_prior.PSEUDO_WEEKS
    dispersion = (weeks * float(split.dispersion[0]) + pseudo * prior.dispersion) / (weeks + pseudo)
    if dispersion <= 1.0 or not np.isfinite(requests) or requests <= 0:
        return base
    # Variance beyond Poisson's, as a gamma factor of mean 1; its squared variation is (dispersion - 1) / mean.
    expected = max(float(base.mean()) * requests, 1.0)
    variation = min((dispersion - 1.0) / expected, 4.0)
    factor_shape = 1.0 / variation
    return np.asarray(base * gamma_quantile(rng.random(n), factor_shape) / factor_shape)
