"""The availability target as a game: feature groups join, each bringing this service's values with it.

A group outside the coalition has the reference's values. The value of a coalition is the unrounded target that the
engine gives to that mixture, made of the same parts and the same random numbers as the recommendation itself; what
several coalitions have in common is computed once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.explanation.shapley import BoolArray
from sloengine.domain.recommendation.incident_rate import OWN_HALF_LIFE_DAYS, RateKnowledge
from sloengine.domain.recommendation.incidents import split_incidents
from sloengine.domain.recommendation.organization_prior import PEER_HALF_LIFE_DAYS
from sloengine.domain.recommendation.window_draws import (
    BaseKnowledge,
    ServicePrior,
    SizeKnowledge,
    WindowNumbers,
    base_level,
    episode_counts,
    episode_sizes,
    window_severity,
    with_base_spread,
    with_sampling_noise,
)
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.rounding import tightest_availability
from sloengine.domain.topology.joint_draws import InheritedFailure

RELIABILITY, CLUSTERING, TRAFFIC, TREND, COVERAGE = range(5)
OWN_GROUPS = ("own reliability", "incident clustering", "traffic volume", "trend", "data coverage")


@dataclass(frozen=True)
class _Record:
    """Statistics of a history in which some failures are left out."""

    sizes: FloatArray
    ages: FloatArray
    base: BaseKnowledge
    running: bool


@dataclass(frozen=True)
class AvailabilityGame:
    """Values of coalitions.

    ``history``: the service's days, one row. ``numbers``: of as many windows as are to be drawn. ``level``: of the
    explained tier, calibrated. ``testable_failures``: that the budget must hold. ``dependencies`` None: nothing
    reaches the service from below.
    """

    history: DailyHistory
    prior: ServicePrior
    numbers: WindowNumbers
    reference: Reference
    window_days: float
    daily_traffic: float
    level: float
    testable_failures: float
    dependencies: Dependencies | None = None

    @property
    def players(self) -> int:
        """Groups: five of the service itself, and one for each part of its dependencies."""
        return len(OWN_GROUPS) + self._parts

    @property
    def _parts(self) -> int:
        return 0 if self.dependencies is None else len(self.dependencies.parts)

    def unavailability(self, coalitions: BoolArray) -> FloatArray:
        """Unrounded target of each coalition as unavailability, before the limit that traffic sets.

        ``coalitions``: shape (n, players). Returns shape (n,).
        """
        return np.array([self._value(row) for row in coalitions])

    def with_traffic_limit(self, unavailability: FloatArray, coalitions: BoolArray) -> FloatArray:
        """The same, never tighter than traffic lets anybody test; it binds where the service's traffic is in."""
        requests = self.daily_traffic * self.window_days
        least = 1.0 - tightest_availability(requests, self.testable_failures)
        return np.where(coalitions[:, TRAFFIC], np.maximum(unavailability, least), unavailability)

    def _value(self, row: BoolArray) -> float:
        """Of one coalition; groups that change nothing are taken as in, so that it is looked at once."""
        own = [bool(flag) or inert for flag, inert in zip(row, self._inert, strict=False)]
        below = sum(1 << part for part in range(self._parts) if row[len(OWN_GROUPS) + part])
        key = (*own, below)
        if key not in self._known:
            self._known[key] = self._quantile(own, below)
        return self._known[key]

    def _quantile(self, own: list[bool], below: int) -> float:
        return max(self._level_of(drawn) for drawn in self._windows(own, below, self._severity))

    def draws(self, row: BoolArray) -> list[FloatArray]:
        """Unavailability of each window: the service's own, and the composite's where there is one."""
        own = row[: len(OWN_GROUPS)].tolist()
        below = sum(1 << part for part in range(self._parts) if row[len(OWN_GROUPS) + part])
        return self._windows(own, below, self._single_severity)

    def _windows(
        self, own: list[bool], below: int, severity: Callable[[bool, bool, bool, int, bool], FloatArray]
    ) -> list[FloatArray]:
        reliability, clustering, traffic, trend, coverage = own
        requests = self.window_days * (self.daily_traffic if traffic else self.reference.daily_traffic)
        total = severity(reliability, trend, coverage, below, clustering)
        ratio = self._base(reliability, coverage, below, clustering, requests)
        drawn = with_sampling_noise(ratio + total / self.window_days, self.numbers, requests)
        if not below or self.dependencies is None:
            return [drawn]
        changed, hazard = self._world(reliability, below)
        return [drawn, self.dependencies.drawn.composed_of(hazard, changed, drawn)]

    @cached_property
    def _single(self) -> int:
        """Windows that stand for themselves only."""
        weights = self.numbers.weights
        return self.numbers.n if weights is None else int((weights == 1.0).sum())

    def _level_of(self, values: FloatArray) -> float:
        """The quantile as the engine takes it, over the windows that these stand for."""
        weights = self.numbers.weights
        whole = len(values) if weights is None else round(float(weights.sum()))
        place = min(whole - 1, int(np.ceil(self.level * (whole - 1))))
        if weights is None:
            return float(np.partition(values, place)[place])
        # Windows that stand for many come last, and seldom lie above.
        single = values[: self._single]
        if len(single) > whole - place:
            found = float(np.partition(single, len(single) - whole + place)[len(single) - whole + place])
            if not (values[self._single :] > found).any():
                return found
        order = np.argsort(-values)
        above = np.searchsorted(np.cumsum(weights[order]), whole - place - 1e-9)
        return float(values[order[min(int(above), len(order) - 1)]])

    @cached_property
    def _inert(self) -> tuple[bool, ...]:
        """By own group: whether it can change nothing."""
        records = self._records.values()
        flags = [False] * len(OWN_GROUPS)
        flags[CLUSTERING] = all(len(record.sizes) == 0 and record.base.weeks == 0.0 for record in records)
        flags[TREND] = all(len(record.ages) == 0 and not record.running for record in records)
        flags[COVERAGE] = bool(np.allclose(self._days, self._reference_days, rtol=1e-12, atol=0.0))
        return tuple(flags)

    @cached_property
    def _records(self) -> dict[tuple[bool, int], _Record]:
        """By (own failures in, parts in)."""
        bad = self.history.bad[0]
        parts = np.zeros((0, len(bad))) if self.dependencies is None else self.dependencies.failures[1:]
        keys = [(own, below) for own in (False, True) for below in range(1 << len(parts))]
        rows = np.zeros((len(keys), len(bad)))
        for place, (own, below) in enumerate(keys):
            if own:
                # What the others do not answer for, so that all together are the record itself.
                rows[place] = bad - sum(parts[p] for p in range(len(parts)) if not below >> p & 1)
            else:
                rows[place] = sum(parts[p] for p in range(len(parts)) if below >> p & 1)
        rows = np.maximum(rows, 0.0)
        shape = (len(keys), 1)
        many = DailyHistory(
            tuple(str(key) for key in keys),
            self.history.ends_at,
            rows,
            np.tile(self.history.valid, shape),
            np.tile(self.history.exposure, shape),
        )
        split = split_incidents(many)
        found = {}
        for place, key in enumerate(keys):
            sizes, ages = split.of(place)
            base = BaseKnowledge(
                float(split.base_bad[place]),
                float(split.base_valid[place]),
                float(split.dispersion[place]),
                float(split.dispersion_weeks[place]),
            )
            found[key] = _Record(sizes, ages, base, bool(split.running[place]))
        return found

    @cached_property
    def _days(self) -> tuple[float, float]:
        """Days with requests, and the same discounted by age."""
        exposure = np.where(self.history.valid[0] > 0, self.history.exposure[0], 0.0)
        discount = 0.5 ** (self.history.ages / OWN_HALF_LIFE_DAYS)
        return float(exposure.sum()), float((exposure * discount).sum())

    @cached_property
    def _reference_days(self) -> tuple[float, float]:
        ages = np.arange(self.reference.history_days) + 0.5
        return self.reference.history_days, float((0.5 ** (ages / OWN_HALF_LIFE_DAYS)).sum())

    def _episodes(self, record: _Record, *, trend: bool) -> float:
        """Discounted by their own ages, or as if they were spread evenly over the days."""
        whole, discounted = self._days
        if trend:
            return float((0.5 ** (record.ages / OWN_HALF_LIFE_DAYS)).sum())
        return len(record.ages) * discounted / whole

    @cached_property
    def _known(self) -> dict[tuple[object, ...], float]:
        return {}

    @cached_property
    def _cache(self) -> dict[tuple[object, ...], FloatArray]:
        return {}

    @cached_property
    def _worlds(self) -> dict[tuple[bool, int], tuple[InheritedFailure, FloatArray]]:
        return {}

    def _world(self, reliability: bool, below: int) -> tuple[InheritedFailure, FloatArray]:
        """What reaches the service when only these parts fail, and the hazard of it in each window."""
        key = (reliability, below)
        if key not in self._worlds and self.dependencies is not None:
            own = None if reliability else self.reference.unavailability
            made = world(self.dependencies, below, own)
            known = self._worlds.get((not reliability, below))
            self._worlds[key] = made, known[1] if known else self.dependencies.drawn.hazard(made)
        return self._worlds[key]

    def _counts(self, reliability: bool, trend: bool, coverage: bool, below: int) -> npt.NDArray[np.int64]:
        record = self._records[reliability, below]
        days = self._days[1]
        episodes = self._episodes(record, trend=trend)
        if not reliability:
            episodes += self.reference.rate_per_day * days
        if not coverage:
            reference_days = self._reference_days[1]
            episodes, days = episodes * reference_days / days, reference_days
        rate = RateKnowledge(self.prior.rate_weights, episodes, days)
        return episode_counts(rate, self.prior, self.numbers, self.window_days, running=record.running and trend)

    @cached_property
    def _every_count(self) -> dict[tuple[bool, bool, bool, int], npt.NDArray[np.int64]]:
        kept = {group: (True,) if self._inert[group] else (False, True) for group in (TREND, COVERAGE)}
        return {
            (reliability, trend, coverage, below): self._counts(reliability, trend, coverage, below)
            for reliability in (False, True)
            for trend in kept[TREND]
            for coverage in kept[COVERAGE]
            for below in range(1 << self._parts)
        }

    @cached_property
    def _most(self) -> npt.NDArray[np.int64]:
        """Most episodes that each window has in any coalition."""
        return np.asarray(np.maximum.reduce(list(self._every_count.values())), np.int64)

    def _severity(
        self, reliability: bool, trend: bool, coverage: bool, below: int, clustering: bool
    ) -> FloatArray:
        count = self._every_count[reliability, trend, coverage, below]
        sums = self._sums_of_sizes(clustering, below, trend)
        return sums[count, np.arange(self.numbers.n)]

    def _single_severity(
        self, reliability: bool, trend: bool, coverage: bool, below: int, clustering: bool
    ) -> FloatArray:
        """As ``_severity``, for a coalition that is looked at by itself."""
        count = self._counts(reliability, trend, coverage, below)
        return window_severity(count, self._size_knowledge(clustering, below, trend), self.prior, self.numbers)

    def _size_knowledge(self, clustering: bool, below: int, trend: bool) -> SizeKnowledge:
        return self._sizes(below, trend=trend) if clustering else SizeKnowledge(np.zeros(0), np.zeros(0), 0.0)

    def _sums_of_sizes(self, clustering: bool, below: int, trend: bool) -> FloatArray:
        """Sum of the first k episodes' sizes in each window, shape (1 + most, n)."""
        key: tuple[object, ...] = ("sizes", below, trend) if clustering else ("sizes",)
        if key not in self._cache:
            sizes = self._size_knowledge(clustering, below, trend)
            sums = np.zeros((int(self._most.max(initial=0)) + 1, self.numbers.n))
            for position in range(len(sums) - 1):
                rows = np.flatnonzero(self._most > position)
                sums[position + 1] = sums[position]
                sums[position + 1][rows] += episode_sizes(sizes, self.prior, self.numbers, position, rows)
            self._cache[key] = sums
        return self._cache[key]

    def _sizes(self, below: int, *, trend: bool) -> SizeKnowledge:
        record = self._records[True, below]
        rate = RateKnowledge(self.prior.rate_weights, self._episodes(record, trend=trend), self._days[1])
        weights = 0.5 ** (record.ages / PEER_HALF_LIFE_DAYS) if trend else np.ones(len(record.ages))
        return SizeKnowledge.of(record.sizes, weights, rate.own_size_share)

    def _base(
        self, reliability: bool, coverage: bool, below: int, clustering: bool, requests: float
    ) -> FloatArray:
        key = ("base", reliability, coverage, below, clustering and np.isfinite(requests), requests)
        if key not in self._cache:
            record, whole = self._records[reliability, below], self._records[True, below]
            base = record.base
            bad = base.bad + (0.0 if reliability else self.reference.base_ratio * base.valid)
            scale = 1.0 if coverage else self._reference_days[0] / self._days[0]
            spread = (whole.base.dispersion, whole.base.weeks) if clustering else (1.0, 0.0)
            known = BaseKnowledge(bad * scale, base.valid * scale, *spread)
            level: tuple[object, ...] = ("level", reliability, coverage, below)
            if level not in self._cache:
                self._cache[level] = base_level(known, self.prior, self.numbers)
            self._cache[key] = with_base_spread(self._cache[level], known, self.prior, self.numbers, requests)
        return self._cache[key]


def world(dependencies: Dependencies, below: int, own_unavailability: float | None) -> InheritedFailure:
    """What reaches the service when only these parts fail (bit p: part p).

    ``own_unavailability``: the service's own failure; None: as it is.
    """
    factors = dependencies.factors([float(below >> part & 1) for part in range(len(dependencies.parts))])
    changed = dependencies.inherited.scaled(factors)
    return changed if own_unavailability is None else changed.with_own(own_unavailability)
