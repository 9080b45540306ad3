"""What one service waits for, and what it then does by itself; drawn from measured days."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.reliability.panel import FloatArray, LatencyHistory
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.latency_along_calls import MOST_CALLS_OF_ONE
from sloengine.domain.topology.measured_draws import A_DAY, even_levels, measured_draws
from sloengine.domain.topology.own_work import OwnWorkByDay, fit_own_work, groups_of_days

LEAST_DAYS = 7
"""Fewer days in which a service and all that it waits for have data tell nothing."""
LEAST_BOUNDS = 3


class NotKnown(Exception):
    """Says why a service's latency cannot be composed."""


@dataclass(frozen=True)
class Drawn:
    """Seconds of requests before and after a change, shape (days, ``A_DAY``); NaN: days without data.

    ``own`` None: not fitted, because nothing below changes.
    """

    before: FloatArray
    after: FloatArray
    own: OwnWorkByDay | None = None


@dataclass(frozen=True)
class MeasuredDays:
    """``histories``: daily histograms over the same stretch of days. Random numbers are those of ``seed``."""

    histories: Mapping[str, LatencyHistory]
    seed: int = 0

    def history(self, service_id: str) -> LatencyHistory:
        """Of one service. Raises ``NotKnown``."""
        history = self.histories.get(service_id)
        if history is None or history.percentiles_only:
            raise NotKnown(f"no latency histogram of {service_id}")
        return history

    def drawn(self, service_id: str) -> FloatArray:
        """Seconds of requests as measured."""
        return measured_draws(self.history(service_id), self.rng(service_id, "measured"))

    def days(self, service_id: str) -> int:
        """Days of the stretch."""
        return len(self.history(service_id).counts)

    def rng(self, service_id: str, *what: object) -> np.random.Generator:
        """Random numbers for one thing of one service, whoever asks for it first."""
        return np.random.default_rng([self.seed, zlib.crc32(repr((service_id, *what)).encode())])

    def weights(self, service_id: str, seconds: FloatArray) -> FloatArray:
        """Of each day: the service's requests; 0 where anything that it waits for has no data.

        ``seconds``: drawn, shape (n_days, n_draws). Raises ``NotKnown``: too few days on which all is known.
        """
        requests = np.nan_to_num(self.history(service_id).counts.sum(axis=1))
        weights = np.where(np.isnan(seconds).any(axis=1), 0.0, requests)
        if (weights > 0.0).sum() < LEAST_DAYS:
            raise NotKnown(
                f"{service_id} and what it waits for have histograms together on fewer than {LEAST_DAYS} days"
            )
        return np.asarray(weights)

    def percentile(self, service_id: str, seconds: FloatArray, level: float) -> float:
        """Over the service's requests, in seconds. Raises ``NotKnown``: above the last bound."""
        weights = np.repeat(self.weights(service_id, seconds), seconds.shape[1])
        flat = seconds.ravel()
        order = np.argsort(flat)
        cumulative = np.cumsum(weights[order])
        value = float(flat[order[np.searchsorted(cumulative, level * cumulative[-1])]])
        if not np.isfinite(value):
            raise NotKnown(f"the percentile of {service_id} lies above the last bound of its histogram")
        return value

    def own_work(self, service_id: str, waits: FloatArray) -> OwnWorkByDay:
        """Told from what was measured and these waits, for days that are about as slow together.

        ``waits``: in seconds, shape (n_days, n_draws). Raises ``NotKnown``: too few days or bounds.
        """
        weights = self.weights(service_id, waits)
        history = self.history(service_id)
        finite = np.isfinite(history.bounds_seconds)
        if finite.sum() < LEAST_BOUNDS:
            raise NotKnown(f"the histogram of {service_id} has fewer than {LEAST_BOUNDS} bounds")
        bounds, counts = history.bounds_seconds[finite], np.nan_to_num(history.counts)
        groups = groups_of_days(np.quantile(self.drawn(service_id), 0.95, axis=1), weights > 0.0)
        laws, shares = [], []
        for group in range(groups.max() + 1):
            days = groups == group
            whole = counts[days].sum(axis=0)
            within = (np.cumsum(whole) / whole.sum())[finite]
            repeated = np.repeat(weights[days], waits.shape[1])
            laws.append(fit_own_work(bounds, within, waits[days].ravel(), repeated))
            shares.append(weights[days].sum() / weights.sum())
        return OwnWorkByDay(bounds, tuple(laws), np.array(shares), groups)


@dataclass
class CallWaits:
    """The calls of one service that are waited for, side by side or one after another.

    ``factors``: on calls per request after the change. ``fit`` None: not made yet.
    """

    measured: MeasuredDays
    service_id: str
    calls: tuple[Dependency, ...]
    factors: Mapping[tuple[str, str], float]
    side_by_side: bool
    fit: OwnWorkByDay | None = None

    def fit_to(self, below: Mapping[str, Drawn]) -> OwnWorkByDay:
        """Tell own work from waiting for these."""
        waits, _ = self.waits(below, 0)
        self.fit = self.measured.own_work(self.service_id, waits)
        return self.fit

    def own_work(self) -> FloatArray:
        """Drawn, shape (days, ``A_DAY``). Raises ValueError before ``fit_to``."""
        if self.fit is None:
            raise ValueError("not fitted yet")
        rng = self.measured.rng(self.service_id, "own", self.side_by_side)
        return self.fit.at(even_levels(self.measured.days(self.service_id), rng))

    def waits(self, below: Mapping[str, Drawn], turn: int) -> tuple[FloatArray, FloatArray]:
        """Waiting before and after, on the same random numbers; others for each ``turn``."""
        rng = self.measured.rng(self.service_id, "waits", turn)
        parts = [self._all_calls(edge, below[edge.dependency], rng) for edge in self.calls]
        if not parts:
            nothing = np.zeros((self.measured.days(self.service_id), A_DAY))
            return nothing, nothing
        join = np.maximum.reduce if self.side_by_side else np.add.reduce
        return np.asarray(join([one for one, _ in parts])), np.asarray(join([one for _, one in parts]))

    def _all_calls(
        self, edge: Dependency, drawn: Drawn, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """One dependency's: one after another, so many as the weights before and after say."""
        weight = 1.0 if edge.call_weight is None else edge.call_weight
        if weight > MOST_CALLS_OF_ONE:
            raise NotKnown(f"{edge.caller} calls {edge.dependency} {weight:g} times for a request: a loop")
        tries = max(1.0, weight) * (1 + _further_attempts(edge))
        if tries > MOST_CALLS_OF_ONE:
            raise NotKnown(
                f"{edge.caller} may try {edge.dependency} {tries:g} times for a request: too many to follow"
            )
        then = weight * self.factors.get(edge.pair, 1.0)
        before, after = np.zeros_like(drawn.before), np.zeros_like(drawn.before)
        for position in range(int(np.ceil(max(weight, then)))):
            order = rng.random(drawn.before.shape).argsort(axis=1)
            made = rng.random(drawn.before.shape)
            orders = [order, *(rng.random(order.shape).argsort(axis=1) for _ in range(_further_attempts(edge)))]
            for sums, seconds, times in ((before, drawn.before, weight), (after, drawn.after, then)):
                taken = _until_answered(edge, [np.take_along_axis(seconds, one, axis=1) for one in orders])
                # A day without data stays unknown, whether this request made the call or not.
                chosen = (made < times - position) | np.isnan(taken)
                np.add(sums, np.where(chosen, taken, 0.0), out=sums)
        return before, after


def _further_attempts(edge: Dependency) -> int:
    """How often a call is tried again at most after attempts that were cut by the timeout."""
    return 0 if edge.timeout_ms is None else edge.attempts - 1


def _until_answered(edge: Dependency, attempts: Sequence[FloatArray]) -> FloatArray:
    """Waiting for the attempts of each call, each cut by the timeout, up to the first that answers within it."""
    if edge.timeout_ms is None:
        return attempts[0]
    limit = edge.timeout_ms / 1000.0
    waited, late = np.minimum(attempts[0], limit), attempts[0] > limit
    for seconds in attempts[1:]:
        waited = waited + np.where(late, np.minimum(seconds, limit), 0.0)
        late = late & (seconds > limit)
    return waited


def is_awaited(edge: Dependency) -> bool:
    """Whether a caller's requests wait for this call."""
    return not edge.is_stale and edge.mode is not DependencyMode.ASYNC and edge.caller != edge.dependency
