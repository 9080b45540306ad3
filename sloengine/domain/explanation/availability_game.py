"""The availability target as a game: feature groups join, each bringing this service's values with it.

A group outside the coalition has the reference's values. The value of a coalition is the unrounded target that the
engine gives to that mixture, made of the same parts and the same random numbers as the recommendation itself; what
several coalitions have in common is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        keys = [self._key(row) for row in coalitions]
        together: dict[tuple[bool, int], list[tuple[bool, ...]]] = {}
        for own, below in dict.fromkeys(keys):
            if (own, below) not in self._known:
                together.setdefault((own[RELIABILITY], below), []).append(own)
        for (_, below), suppositions in together.items():
            values = np.max([self._levels(drawn) for drawn in self._windows(suppositions, below)], axis=0)
            self._known.update({(own, below): value for own, value in zip(suppositions, values, strict=True)})
        return np.array([self._known[key] for key in keys])

    def with_traffic_limit(self, unavailability: FloatArray, coalitions: BoolArray) -> FloatArray:
        """The same, never tighter than traffic lets anybody test; it binds where the service's traffic is in."""
        requests = self.daily_traffic * self.window_days
        least = 1.0 - tightest_availability(requests, self.testable_failures)
        return np.where(coalitions[:, TRAFFIC], np.maximum(unavailability, least), unavailability)

    def _key(self, row: BoolArray) -> tuple[tuple[bool, ...], int]:
        """One coalition; own groups that change nothing are taken as in, so that it is looked at once."""
        own = tuple(bool(flag) or inert for flag, inert in zip(row, self._inert, strict=False))
        return own, sum(1 << part for part in range(self._parts) if row[len(OWN_GROUPS) + part])

    def draws(self, row: BoolArray) -> list[FloatArray]:
        """Unavailability of each window: the service's own, and the composite's where there is one."""
        own, below = self._key(row)
        return [drawn[0] for drawn in self._windows([own], below, one_by_one=True)]

    def _windows(
        self, suppositions: Sequence[tuple[bool, ...]], below: int, *, one_by_one: bool = False
    ) -> list[FloatArray]:
        """Of several coalitions with the same parts and own reliability, shape (n_suppositions, n)."""
        drawn = np.empty((len(suppositions), self.numbers.n))
        severity = self._single_severity if one_by_one else self._severity
        for traffic in (False, True):
            rows = [place for place, own in enumerate(suppositions) if own[TRAFFIC] == traffic]
            if not rows:
                continue
            requests = self.window_days * (self.daily_traffic if traffic else self.reference.daily_traffic)
            certain = []
            for place in rows:
                reliability, clustering, _, trend, coverage = suppositions[place]
                days = severity(reliability, trend, coverage, below, clustering)
                base = self._base(reliability, coverage, below, clustering, requests)
                certain.append(base + days / self.window_days)
            drawn[rows] = with_sampling_noise(np.array(certain), self.numbers, requests)
        if not below or self.dependencies is None:
            return [drawn]
        changed, hazard = self._world(suppositions[0][RELIABILITY], below)
        return [drawn, self.dependencies.drawn.composed_of(hazard, changed, drawn)]

    @cached_property
    def _single(self) -> int:
        """Windows that stand for themselves only; they come first."""
        weights = self.numbers.weights
        return self.numbers.n if weights is None else int((weights == 1.0).sum())

    def _levels(self, drawn: FloatArray) -> FloatArray:
        """The quantile of each row as the engine takes it, over the windows that these stand for."""
        weights = self.numbers.weights
        whole = self.numbers.n if weights is None else round(float(weights.sum()))
        above = whole - min(whole - 1, int(np.ceil(self.level * (whole - 1))))
        single = self._single
        if single < above:
            return np.array([self._weighted(values, above) for values in drawn])
        found = np.partition(drawn[:, :single], single - above, axis=1)[:, single - above]
        # Windows that stand for many seldom lie above.
        for row in np.flatnonzero((drawn[:, single:] > found[:, None]).any(axis=1)):
            found[row] = self._weighted(drawn[row], above)
        return np.asarray(found)

    def _weighted(self, values: FloatArray, above: int) -> float:
        order = np.argsort(-values)
        weights = np.ones(len(values)) if self.numbers.weights is None else self.numbers.weights
        place = int(np.searchsorted(np.cumsum(weights[order]), above - 1e-9))
        return float(values[order[min(place, len(order) - 1)]])

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
    def _known(self) -> dict[tuple[tuple[bool, ...], int], float]:
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
