"""Slow spells of a future window: how many, how far and how long, and the tail that they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RateKnowledge
from sloengine.domain.recommendation.latency_days import FACTORS, LatencyDays
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers, falling, percentile_factors
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.poisson import poisson_quantile
from sloengine.domain.recommendation.window_draws import OWN_JITTER, unseen_outages
from sloengine.domain.recommendation.window_numbers import PEER_JITTER
from sloengine.domain.reliability.panel import FloatArray

SHIPPED_EXCESS_DAYS, SHIPPED_EXCESS_LOG_SD, SHIPPED_DECAY = 0.03, 1.3, 0.7
"""A shipped slow episode: 43 minutes of all requests above the base p95, a share that falls as factor ** -0.7."""
_MOST_EPISODES = 200
_LEAST_EXCESS_DAYS = 1e-6


@dataclass(frozen=True)
class SlowSpells:
    """What is known of slow spells: their rate, own ones' shapes with their share, whether one is running."""

    rate: RateKnowledge
    shapes: FloatArray
    own_share: float
    running: bool


def slow_spells(days: LatencyDays, prior: LatencyPrior, service_id: str) -> SlowSpells:
    """As the days show them."""
    rate = RateKnowledge.of(
        prior.rate_prior(service_id),
        day_ages=days.ages,
        exposure=np.ones(len(days.ages)),
        episode_ages=days.episode_ages,
        size_weight=prior.own_size_weight,
    )
    return SlowSpells(rate, days.shapes, rate.own_size_share, days.running)


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
    unseen = unseen_outages(numbers.unseen, 1.0, shipped_prior.UNSEEN_SPELL_DAYS + prior.seen_days, window_days)
    count = np.minimum(by_rate + unseen, _MOST_EPISODES)
    going_on = spells.running & (numbers.goes_on < 1 - 1 / shipped_prior.EPISODE_DAYS)
    return np.asarray(count + going_on, dtype=np.int64)


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
    spread = pool_jitter(prior, rows, cumulative, evidence)
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
            size = np.exp(spread * jitter[pooled]) * scale[window[pooled]]
            total[active[pooled]] += prior.shapes[chosen] * size[:, None]
        if rest.any():
            size = median * np.exp(SHIPPED_EXCESS_LOG_SD * jitter[rest]) * scale[window[rest]]
            total[active[rest]] += size[:, None] * shipped
    total /= window_days
    total += numbers.base_tail[having]
    return WindowTails(numbers, having, falling(total))


def pool_jitter(
    prior: LatencyPrior, rows: npt.NDArray[np.int64], cumulative: FloatArray, evidence: float
) -> float:
    """Spread of the logarithm by which the size of a peer's past spell is varied: a normal kernel's, h.

    Drawn as they were, n independent spells vary by s² (1 - 1/n) and never surpass the longest of them, which the
    next one does with chance 1 / (n + 1). h² is what is missing to the variance of the next one under a normal law
    of unknown mean and variance, s² (1 + 1/k) k / (k - 2), k = n + the spells that the shipped law counts as;
    s² / k of it lies in the scale of whole windows. s: of sizes and of the shipped law, each by what it counts as.

    Source: Gelman et al. (2013), "Bayesian Data Analysis", section 3.3 (Student's law of a new observation).
    """
    if not len(rows):
        return PEER_JITTER
    logs = np.log(prior.sizes[rows])
    weights = np.diff(cumulative, prepend=0.0)
    seen = float((weights * (logs - (weights * logs).sum()) ** 2).sum())
    pseudo = shipped_prior.PSEUDO_EPISODES
    variance = (evidence * seen + pseudo * SHIPPED_EXCESS_LOG_SD**2) / (evidence + pseudo)
    n = max(evidence, 1.0)
    k = n + pseudo
    missing = (1 + 1 / k) * k / (k - 2) - (1 - 1 / n) - 1 / k
    return max(PEER_JITTER, float(np.sqrt(variance * missing)))


def _others_median(
    prior: LatencyPrior, rows: npt.NDArray[np.int64], cumulative: FloatArray, evidence: float
) -> float:
    """Middle excess, in days, of spells in nobody's record: the shipped one, drawn to the peers' mean logarithm.

    As a normal law's mean with a normal prior worth ``PSEUDO_EPISODES``: an organisation whose spells are long has
    long ones still to come, also where it has had few.
    """
    if not len(rows):
        return SHIPPED_EXCESS_DAYS
    logs = np.log(np.maximum(prior.excess_days[rows], _LEAST_EXCESS_DAYS))
    mean = float((np.diff(cumulative, prepend=0.0) * logs).sum())
    pseudo = shipped_prior.PSEUDO_EPISODES
    return float(np.exp((evidence * mean + pseudo * np.log(SHIPPED_EXCESS_DAYS)) / (evidence + pseudo)))
