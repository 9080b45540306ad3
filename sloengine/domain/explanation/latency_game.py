"""The latency target as a game: feature groups join, each bringing this service's values with it.

The reference is this service on its usual days (nobody else's speed says how fast it is), with slow spells as
other services have them. Slow spells that began while a service it waits for was slow, too, are the group
"dependency latency": without it they have not happened. What the latency target does not read is no group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.explanation.shapley import BoolArray
from sloengine.domain.recommendation.incident_rate import OWN_HALF_LIFE_DAYS, RATES, RateKnowledge
from sloengine.domain.recommendation.latency_days import FACTORS, LatencyDays
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers
from sloengine.domain.recommendation.latency_predictive import WanderingLevel, level_factors
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_spells import SlowSpells, spell_counts, window_tails
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.quantile import upper_quantile

RELIABILITY, CLUSTERING, TREND, COVERAGE, THROTTLING = range(5)
LATENCY_GROUPS = ("own reliability", "incident clustering", "trend", "data coverage", "throttling")
BELOW = "dependency latency"


@dataclass(frozen=True)
class LatencyGame:
    """Values of coalitions: the percentile's target in milliseconds, unrounded.

    ``tail_share``: 0.05 for p95. ``margins``: noise put on, without and with throttling; equal where nothing is
    known of throttling, which then is no group. ``most_ms``: the histogram's last bound, beyond which nothing can
    be told apart. ``history_days``: of the reference. ``from_below``: of each slow spell, whether a dependency was
    slow when it began.
    """

    service_id: str
    days: LatencyDays
    prior: LatencyPrior
    numbers: LatencyNumbers
    window_days: float
    level: float
    tail_share: float
    margins: tuple[float, float]
    most_ms: float
    history_days: float
    from_below: npt.NDArray[np.bool_]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names; throttling only where it is known, dependency latency only where a spell came from there."""
        throttling = LATENCY_GROUPS[THROTTLING:] if self.margins[0] != self.margins[1] else ()
        return (*LATENCY_GROUPS[:THROTTLING], *throttling, *((BELOW,) if self.from_below.any() else ()))

    @property
    def players(self) -> int:
        """How many groups there are."""
        return len(self.groups)

    def milliseconds(self, coalitions: BoolArray) -> FloatArray:
        """Unrounded target of each coalition, shape (n,); the last bound where it lies beyond."""
        return np.array([min(self.most_ms, self._value(row.tolist())) for row in coalitions])

    def _value(self, row: list[bool]) -> float:
        reliability, clustering, trend, coverage = (
            flag or inert for flag, inert in zip(row[:THROTTLING], self._inert, strict=True)
        )
        throttled = self.margins[0] != self.margins[1] and row[THROTTLING]
        below = not self.from_below.any() or row[-1]
        key = (reliability, clustering, trend, coverage, below)
        if key not in self._known:
            level = level_factors(self._level(clustering, coverage), self.prior, self.numbers, self.window_days)
            factors = self._factors(reliability, clustering, trend, coverage, below) * level
            self._known[key] = upper_quantile(factors, self.level) * self.days.scale_seconds * 1000.0
        return self._known[key] * (1.0 + self.margins[throttled])

    @cached_property
    def _known(self) -> dict[tuple[bool, ...], float]:
        return {}

    @cached_property
    def _inert(self) -> tuple[bool, ...]:
        none = len(self.days.shapes) == 0
        same = bool(np.allclose(self._exposure, self._reference_exposure, rtol=1e-12, atol=0.0))
        return False, none and self.days.weeks == 0.0, none and not self.days.running, same

    @cached_property
    def _exposure(self) -> tuple[float, float]:
        """Days with requests, and the same discounted by age."""
        return float(len(self.days.ages)), float((0.5 ** (self.days.ages / OWN_HALF_LIFE_DAYS)).sum())

    @cached_property
    def _reference_exposure(self) -> tuple[float, float]:
        ages = np.arange(self.history_days) + 0.5
        return self.history_days, float((0.5 ** (ages / OWN_HALF_LIFE_DAYS)).sum())

    @cached_property
    def _rate_weights(self) -> FloatArray:
        return self.prior.rate_prior(self.service_id)

    @cached_property
    def usual_rate(self) -> float:
        """The middle service's slow spells a day."""
        cumulative = np.cumsum(self._rate_weights)
        place = int(np.searchsorted(cumulative / cumulative[-1], 0.5))
        return float(RATES[min(place, len(RATES) - 1)])

    def _own_episodes(self, kept: npt.NDArray[np.bool_], *, trend: bool) -> float:
        ages = self.days.episode_ages[kept]
        whole, discounted = self._exposure
        if trend:
            return float((0.5 ** (ages / OWN_HALF_LIFE_DAYS)).sum())
        return len(ages) * discounted / whole

    def _factors(
        self, reliability: bool, clustering: bool, trend: bool, coverage: bool, below: bool
    ) -> FloatArray:
        """Each window's percentile as a multiple of the base p95, before its level wanders."""
        days = self._exposure[1]
        kept = self.from_below <= below
        own = self._own_episodes(kept, trend=trend)
        episodes = own if reliability else self.usual_rate * days
        if not coverage:
            episodes, days = episodes * self._reference_exposure[1] / days, self._reference_exposure[1]
        known = RateKnowledge(self._rate_weights, own, self._exposure[1], self.prior.own_size_weight)
        spells = SlowSpells(
            rate=RateKnowledge(self._rate_weights, episodes, days),
            shapes=self.days.shapes[kept] if clustering else np.zeros((0, len(FACTORS))),
            own_share=known.own_size_share if clustering else 0.0,
            running=self.days.running and trend and reliability and bool(kept[-1:].all()),
        )
        count = spell_counts(spells, self.prior, self.numbers, self.window_days)
        tails = window_tails(count, spells, self.prior, self.service_id, self.numbers, self.window_days)
        return tails.factors(self.tail_share)

    def _level(self, clustering: bool, coverage: bool) -> WanderingLevel:
        known = WanderingLevel.of(self.days)
        weekly = (known.weekly_log_sd, known.weeks) if clustering else (0.0, 0.0)
        return WanderingLevel(*weekly, known.known_weeks if coverage else self.history_days / 7.0)
