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

from sloengine.domain.explanation.availability_records import Record, Records
from sloengine.domain.explanation.dependency_parts import Dependencies
from sloengine.domain.explanation.own_groups import (
    ALL_OWN,
    CLUSTERING,
    COVERAGE,
    EVERY_OWN,
    OWN_GROUPS,
    TRAFFIC,
    TREND,
    OwnGroups,
)
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.explanation.shapley import BoolArray
from sloengine.domain.explanation.window_episodes import Episodes
from sloengine.domain.explanation.window_quantile import WindowQuantile
from sloengine.domain.recommendation.incident_rate import RateKnowledge
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior, SizeKnowledge
from sloengine.domain.recommendation.window_draws import (
    base_level,
    episode_counts,
    many_episode_counts,
    unseen_severity,
    window_severity,
    with_base_spread,
    with_sampling_noise,
)
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.rounding import tightest_availability
from sloengine.domain.topology.inherited_failure import InheritedFailure


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
        keys = self._keys(coalitions)
        together: dict[tuple[bool, int], list[int]] = {}
        for key in np.unique(keys).tolist():
            if key not in self._known:
                own, below = key & ALL_OWN, key >> len(OWN_GROUPS)
                together.setdefault((EVERY_OWN[own].reliability, below), []).append(own)
        for (_, below), codes in together.items():
            drawn = self._windows([EVERY_OWN[own] for own in codes], below)
            values = np.max([self._quantile.of(windows) for windows in drawn], axis=0)
            for own, value in zip(codes, values.tolist(), strict=True):
                self._known[own | below << len(OWN_GROUPS)] = value
        return np.array([self._known[key] for key in keys.tolist()])

    def with_traffic_limit(self, unavailability: FloatArray, coalitions: BoolArray) -> FloatArray:
        """The same, never tighter than traffic lets anybody test; it binds where the service's traffic is in."""
        requests = self.daily_traffic * self.window_days
        least = 1.0 - tightest_availability(requests, self.testable_failures)
        return np.where(coalitions[:, TRAFFIC], np.maximum(unavailability, least), unavailability)

    def _keys(self, coalitions: BoolArray) -> npt.NDArray[np.int64]:
        """A number for each coalition, bit g for group g.

        Own groups that change nothing are taken as in, so that a mixture is looked at once.
        """
        inert = sum(1 << group for group, is_inert in enumerate(self._inert) if is_inert)
        return np.asarray(coalitions @ (1 << np.arange(self.players)) | inert, np.int64)

    def averaged(self, drawn: Sequence[FloatArray]) -> list[FloatArray]:
        """What values take means of over all windows, all groups being in; each of shape (n,).

        ``drawn``: :meth:`draws` of all groups.
        """
        below = (1 << self._parts) - 1
        base = base_level(self._record(True, below).base, self.prior, self.numbers)
        if not below:
            return [base]
        return [base, *drawn, -np.expm1(-self._world(True, below)[1])]

    def draws(self, row: BoolArray) -> list[FloatArray]:
        """Unavailability of each window: the service's own, and the composite's where there is one."""
        key = int(self._keys(row[None, :])[0])
        own, below = EVERY_OWN[key & ALL_OWN], key >> len(OWN_GROUPS)
        return [drawn[0] for drawn in self._windows([own], below, one_by_one=True)]

    def value_of(self, drawn: Sequence[FloatArray]) -> float:
        """Unavailability of a coalition whose :meth:`draws` are at hand: its value, but for rounding."""
        return max(float(self._quantile.of(one[None, :])[0]) for one in drawn)

    def _windows(
        self, suppositions: Sequence[OwnGroups], below: int, *, one_by_one: bool = False
    ) -> list[FloatArray]:
        """Of several coalitions with the same parts and own reliability, shape (n_suppositions, n)."""
        drawn = np.empty((len(suppositions), self.numbers.n))
        severity = self._single_severity if one_by_one else self._severity
        for traffic in (False, True):
            rows = [place for place, own in enumerate(suppositions) if own.traffic == traffic]
            if not rows:
                continue
            requests = self.window_days * (self.daily_traffic if traffic else self.reference.daily_traffic)
            certain = np.empty((len(rows), self.numbers.n))
            for row, place in enumerate(rows):
                own = suppositions[place]
                np.divide(severity(own, below), self.window_days, out=certain[row])
                certain[row] += self._base(own, below, requests)
            drawn[rows] = with_sampling_noise(certain, self.numbers, requests)
        if not below or self.dependencies is None:
            return [drawn]
        changed, hazard = self._world(suppositions[0].reliability, below)
        return [drawn, self.dependencies.drawn.composed_of(hazard, changed, drawn)]

    @cached_property
    def _quantile(self) -> WindowQuantile:
        return WindowQuantile(self.numbers, self.level)

    @cached_property
    def _inert(self) -> tuple[bool, ...]:
        """By own group: whether it can change nothing."""
        records = self._records.by_key.values()
        flags = [False] * len(OWN_GROUPS)
        flags[CLUSTERING] = all(len(record.sizes) == 0 and record.base.weeks == 0.0 for record in records)
        flags[TREND] = all(len(record.ages) == 0 and not record.running for record in records)
        flags[COVERAGE] = bool(np.allclose(self._records.days, self._records.usual_days, rtol=1e-12, atol=0.0))
        return tuple(flags)

    @cached_property
    def _records(self) -> Records:
        nothing = np.zeros((0, self.history.bad.shape[1]))
        parts = nothing if self.dependencies is None else self.dependencies.failures[1:]
        return Records(self.history, parts, self.reference.history_days)

    def _record(self, reliability: bool, below: int) -> Record:
        return self._records.by_key[reliability, below]

    @cached_property
    def _known(self) -> dict[int, float]:
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

    def _rate(self, reliability: bool, trend: bool, coverage: bool, below: int) -> tuple[RateKnowledge, bool]:
        """How often incidents start, and whether one is running."""
        record = self._record(reliability, below)
        days = self._records.days[1]
        episodes = self._records.episodes(record, trend=trend)
        if not reliability:
            episodes += self.reference.rate_per_day * days
        if not coverage:
            usual = self._records.usual_days[1]
            episodes, days = episodes * usual / days, usual
        rate = RateKnowledge(self.prior.rate_weights, episodes, days, self.prior.own_size_weight)
        return rate, record.running and trend

    @cached_property
    def _every_count(self) -> dict[tuple[bool, bool, bool, int], npt.NDArray[np.int64]]:
        kept = {group: (True,) if self._inert[group] else (False, True) for group in (TREND, COVERAGE)}
        keys = [
            (reliability, trend, coverage, below)
            for reliability in (False, True)
            for trend in kept[TREND]
            for coverage in kept[COVERAGE]
            for below in range(1 << self._parts)
        ]
        known = [self._rate(*key) for key in keys]
        return dict(zip(keys, many_episode_counts(known, self.prior, self.numbers, self.window_days), strict=True))

    @cached_property
    def _episodes(self) -> Episodes:
        """As many as each window has in any coalition."""
        most = np.maximum.reduce(list(self._every_count.values()))
        active = np.arange(int(most.max(initial=0)))[:, None] < most
        parts: list[list[FloatArray]] = [[], [], [], []]
        for position, has_one in enumerate(active):
            rows = np.flatnonzero(has_one)
            source, _, level, jitter = self.numbers.episode(position)
            others = self.numbers.others_sizes(self.prior, position, rows)
            for part, values in zip(parts, (others, source[rows], level[rows], jitter[rows]), strict=True):
                part.append(values)
        return Episodes(active, *(np.concatenate(part) if part else np.zeros(0) for part in parts))

    def _severity(self, own: OwnGroups, below: int) -> FloatArray:
        count = self._every_count[own.reliability, own.trend, own.coverage, below]
        key: tuple[object, ...] = ("sizes", below, own.trend) if own.clustering else ("sizes",)
        if key not in self._cache:
            self._cache[key] = self._episodes.summed(self._sizes(own, below))
        return self._cache[key].take(count * self.numbers.n + self._places) + self._unseen

    @cached_property
    def _unseen(self) -> FloatArray:
        """What outages of a kind not had yet add, whatever the coalition."""
        return unseen_severity(self.prior, self.numbers, self.window_days)

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        return np.arange(self.numbers.n)

    def _single_severity(self, own: OwnGroups, below: int) -> FloatArray:
        """As ``_severity``, for a coalition that is looked at by itself."""
        rate, running = self._rate(own.reliability, own.trend, own.coverage, below)
        count = episode_counts(rate, self.prior, self.numbers, self.window_days, running=running)
        return window_severity(count, self._sizes(own, below), self.prior, self.numbers) + self._unseen

    def _sizes(self, own: OwnGroups, below: int) -> SizeKnowledge:
        if not own.clustering:
            return SizeKnowledge(np.zeros(0), np.zeros(0), 0.0)
        record = self._record(True, below)
        return self._records.sizes(record, self.prior, trend=own.trend)

    def _base(self, own: OwnGroups, below: int, requests: float) -> FloatArray:
        key = ("base", own.reliability, own.coverage, own.clustering, below, requests)
        if key not in self._cache:
            base, whole = self._record(own.reliability, below).base, self._record(True, below).base
            bad = base.bad + (0.0 if own.reliability else self.reference.base_ratio * base.valid)
            scale = 1.0 if own.coverage else self._records.usual_days[0] / self._records.days[0]
            spread = (whole.dispersion, whole.weeks) if own.clustering else (1.0, 0.0)
            known = BaseKnowledge(bad * scale, base.valid * scale, base.days * scale, *spread)
            level: tuple[object, ...] = ("level", own.reliability, own.coverage, own.clustering, below)
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
