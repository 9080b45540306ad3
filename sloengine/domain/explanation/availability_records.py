"""A service's history with some of the failures left out: its own, or those of some of its dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sloengine.domain.recommendation.incident_rate import OWN_HALF_LIFE_DAYS, RateKnowledge
from sloengine.domain.recommendation.incidents import split_incidents
from sloengine.domain.recommendation.organization_prior import PEER_HALF_LIFE_DAYS
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior, SizeKnowledge
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray


@dataclass(frozen=True)
class Record:
    """Statistics of a history in which some failures are left out."""

    sizes: FloatArray
    ages: FloatArray
    base: BaseKnowledge
    running: bool


@dataclass(frozen=True)
class Records:
    """All such histories of one service.

    ``history``: its days, one row. ``parts``: failed events by day of each part of its dependencies, shape
    (n_parts, n_days). ``reference_days``: complete days of the reference.
    """

    history: DailyHistory
    parts: FloatArray
    reference_days: float

    @cached_property
    def by_key(self) -> dict[tuple[bool, int], Record]:
        """By (own failures in, parts in); bit p of the second: part p."""
        bad, parts = self.history.bad[0], self.parts
        keys = [(own, below) for own in (False, True) for below in range(1 << len(parts))]
        rows = np.zeros((len(keys), len(bad)))
        for place, (own, below) in enumerate(keys):
            if own:
                # What the others do not answer for, so that all together are the record itself.
                rows[place] = bad - sum(parts[p] for p in range(len(parts)) if not below >> p & 1)
            else:
                rows[place] = sum(parts[p] for p in range(len(parts)) if below >> p & 1)
        shape = (len(keys), 1)
        split = split_incidents(
            DailyHistory(
                tuple(str(key) for key in keys),
                self.history.ends_at,
                np.maximum(rows, 0.0),
                np.tile(self.history.valid, shape),
                np.tile(self.history.exposure, shape),
            )
        )
        found = {}
        for place, key in enumerate(keys):
            base = BaseKnowledge(
                float(split.base_bad[place]),
                float(split.base_valid[place]),
                float(split.base_days[place]),
                float(split.dispersion[place]),
                float(split.dispersion_weeks[place]),
            )
            found[key] = Record(*split.of(place), base, bool(split.running[place]))
        return found

    @cached_property
    def days(self) -> tuple[float, float]:
        """Days with requests, and the same discounted by age."""
        exposure = np.where(self.history.valid[0] > 0, self.history.exposure[0], 0.0)
        discount = 0.5 ** (self.history.ages / OWN_HALF_LIFE_DAYS)
        return float(exposure.sum()), float((exposure * discount).sum())

    @cached_property
    def usual_days(self) -> tuple[float, float]:
        """The same of the reference."""
        ages = np.arange(self.reference_days) + 0.5
        return self.reference_days, float((0.5 ** (ages / OWN_HALF_LIFE_DAYS)).sum())

    def episodes(self, record: Record, *, trend: bool) -> float:
        """Discounted by their own ages, or as if they were spread evenly over the days."""
        whole, discounted = self.days
        if trend:
            return float((0.5 ** (record.ages / OWN_HALF_LIFE_DAYS)).sum())
        return len(record.ages) * discounted / whole

    def sizes(self, record: Record, prior: ServicePrior, *, trend: bool) -> SizeKnowledge:
        """Sizes of the record's incidents."""
        rate = RateKnowledge(
            prior.rate_weights, self.episodes(record, trend=trend), self.days[1], prior.own_size_weight
        )
        weights = 0.5 ** (record.ages / PEER_HALF_LIFE_DAYS) if trend else np.ones(len(record.ages))
        return SizeKnowledge.of(record.sizes, weights, rate.own_size_share)
