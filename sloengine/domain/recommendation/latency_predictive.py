"""The percentiles of a future window: base days, slow episodes, and a level that wanders.

Window tail = mean tail of resampled base days + excess tails of Poisson episodes over the window's length; the
whole shifts by the week-to-week spread of the base. The percentile is read off the tail, never averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.incident_rate import regime_rows
from sloengine.domain.recommendation.latency_days import LatencyDays
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_spells import (
    rate_spells,
    slow_spells,
    window_tails,
    with_other_spells,
)
from sloengine.domain.recommendation.predictive import PredictiveFacts
from sloengine.domain.reliability.panel import FloatArray

_REGIME_SPREAD = 4.0
_PSEUDO_WEEKS = 3.0


@dataclass(frozen=True)
class LatencyPredictive:
    """Draws of a future window's percentiles, in seconds, shape (n_draws,); infinite beyond the measurable.

    ``rate_episodes``: slow spells of each draw that come as often as their rate says, without the one under way.
    ``spells_per_day``: how often the model believes the service to get slow, in spells of usual length: longer
    ones count as several (``spell_lengths``).
    """

    p95_seconds: FloatArray
    p99_seconds: FloatArray
    rate_episodes: npt.NDArray[np.int64]
    rate_weights: FloatArray
    window_days: float
    level_log_sd: float
    spells_per_day: float
    facts: PredictiveFacts


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


def predict_latency(
    days: LatencyDays, prior: LatencyPrior, service_id: str, numbers: LatencyNumbers, *, window_days: float
) -> LatencyPredictive:
    """Draw a future window's p95 and p99 with these random numbers."""
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
        spells_per_day=spells.rate.mean_per_day * prior.spell_weight,
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


def level_factors(
    level: WanderingLevel, prior: LatencyPrior, numbers: LatencyNumbers, window_days: float
) -> FloatArray:
    """Each window's own level, and how well the level of the past is known, as a factor."""
    known = min(1.0, 7.0 / window_days) + 1.0 / max(level.known_weeks, 0.3)
    spread = float(np.sqrt(level.variance(prior) * known))
    return np.exp(np.where(regime_rows(numbers.n), _REGIME_SPREAD, 1.0) * spread * numbers.level)
