"""Latency along calls: what a request takes when it waits for others, one after another or side by side.

Percentiles do not add: the p99 of a sum is not the sum of p99s. Requests are drawn instead. A request falls into
one interval (a minute, say), and everything that it calls is drawn from that same interval, because slow minutes
are slow for several at once; within the interval calls are independent. Composing each service's whole
distribution independently, beside it, shows what ignoring that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.graph import DependencyGraph

MOST_CALLS_OF_ONE = 100
"""A dependency called more often than that for one request is a loop to be measured, not composed."""


@dataclass(frozen=True)
class LatencyTable:
    """Latency of one service in each interval, by its quantiles.

    ``levels``: ascending from 0 to 1, shape (n_levels,), or (n_intervals, n_levels) where each interval has its
    own. ``seconds``: shape (n_intervals, n_levels), not falling along a row, linear in between; a row with NaN is
    an interval without data; +inf is "above the last bound".
    """

    levels: FloatArray
    seconds: FloatArray

    @classmethod
    def of_histograms(cls, bounds_seconds: FloatArray, counts: FloatArray) -> LatencyTable:
        """From bucket counts, shape (n_intervals, n_bounds), not cumulative; linear within a bucket."""
        total = counts.sum(axis=1, keepdims=True)
        used = np.where(total > 0, total, 1.0)
        levels = np.cumsum(np.concatenate([np.zeros_like(total), counts], axis=1), axis=1) / used
        seconds = np.broadcast_to(np.concatenate([[0.0], bounds_seconds]), levels.shape)
        return cls(np.nan_to_num(levels), np.where(total > 0, seconds, np.nan))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Intervals with data, shape (n_intervals,)."""
        return np.asarray(~np.isnan(self.seconds).any(axis=1))

    def at(self, intervals: npt.NDArray[np.int64], levels: FloatArray) -> FloatArray:
        """Latency at these levels of these intervals, in seconds; shape (n,), as both."""
        if self.levels.ndim == 1:
            right = np.clip(np.searchsorted(self.levels, levels), 1, len(self.levels) - 1)
            begin, end = self.levels[right - 1], self.levels[right]
        else:
            own = self.levels[intervals]
            # The first level that is not below: beyond empty buckets, whose levels are all the same.
            right = np.clip((own < levels[:, None]).sum(axis=1), 1, own.shape[1] - 1)
            begin, end = (np.take_along_axis(own, at[:, None], axis=1)[:, 0] for at in (right - 1, right))
        share = (levels - begin) / np.where(end > begin, end - begin, 1.0)
        low, high = self.seconds[intervals, right - 1], self.seconds[intervals, right]
        open_ended = np.isinf(high)
        between = low + share * np.where(open_ended, 0.0, high - np.where(open_ended, 0.0, low))
        return np.asarray(np.where(open_ended & (share > 0), np.inf, between))


@dataclass(frozen=True, slots=True)
class TimedCall:
    """A call that a request waits for.

    ``weight``: calls per request. The whole part is made each time, one after another; the rest is the probability
    of one more. ``timeout_seconds``: after which the caller goes on, or tries again, ``attempts`` times in all.
    """

    dependency: str
    weight: float = 1.0
    timeout_seconds: float | None = None
    attempts: int = 1

    def __post_init__(self) -> None:
        """Raises: ValueError, if weight and attempts are no number of calls."""
        if not 0 <= self.weight <= MOST_CALLS_OF_ONE:
            raise ValueError(f"{self.dependency}: {self.weight:g} calls per request, not 0 to {MOST_CALLS_OF_ONE}")
        if not 1 <= self.attempts <= MOST_CALLS_OF_ONE:
            raise ValueError(f"{self.dependency}: {self.attempts} attempts, not 1 to {MOST_CALLS_OF_ONE}")


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a service waits for, besides its own work: stages one after another, calls of one side by side."""

    stages: tuple[tuple[TimedCall, ...], ...] = ()


@dataclass(frozen=True)
class LatencyAlongCalls:
    """Services with what they take by themselves, and who waits for whom.

    ``tables``: own work of a service that has a plan, and the whole latency, as measured, of one that has none;
    all with the same intervals. ``traffic``: requests of the root in each interval, shape (n_intervals,); None: as
    many in each.
    """

    tables: Mapping[str, LatencyTable]
    plans: Mapping[str, CallPlan]
    traffic: FloatArray | None = None

    def reached(self, root: str) -> tuple[str, ...]:
        """Services that a request to ``root`` waits for, itself included, in the order of the calls.

        Raises: ValueError, if a service waits for itself (a cycle has no finite plan) or has no table.
        """
        found: dict[str, None] = {}
        self._visit(root, (), found)
        return tuple(found)

    def _visit(self, service_id: str, above: tuple[str, ...], found: dict[str, None]) -> None:
        if service_id in above:
            raise ValueError(f"{' -> '.join((*above, service_id))}: a cycle of waiting has no plan")
        if service_id not in self.tables:
            raise ValueError(f"no latency of {service_id}")
        found[service_id] = None
        for stage in self.plans.get(service_id, CallPlan()).stages:
            for call in stage:
                self._visit(call.dependency, (*above, service_id), found)

    def draw(self, root: str, n: int, rng: np.random.Generator, *, joint: bool = True) -> ComposedLatency:
        """``n`` requests to ``root``.

        ``joint``: all calls of a request from its interval, among those in which everything reached has data;
        else each call from an interval of its own, among all that it has data for.
        Raises: ValueError, as ``reached``, and where no interval has data.
        """
        tables = [self.tables[service_id] for service_id in self.reached(root)]
        shared = np.logical_and.reduce([table.known for table in tables])
        chosen = self._chooser(shared)(n, rng) if joint else None

        def one_call(service_id: str) -> FloatArray:
            table = self.tables[service_id]
            intervals = self._chooser(table.known)(n, rng) if chosen is None else chosen
            seconds = table.at(intervals, rng.random(n))
            for stage in self.plans.get(service_id, CallPlan()).stages:
                if stage:
                    seconds = seconds + np.maximum.reduce([all_calls(call) for call in stage])
            return seconds

        def all_calls(call: TimedCall) -> FloatArray:
            whole, rest = divmod(call.weight, 1.0)
            total = np.zeros(n)
            for position in range(int(whole) + (rest > 0)):
                taken = until_answered(call)
                total = total + (taken if position < whole else np.where(rng.random(n) < rest, taken, 0.0))
            return total

        def until_answered(call: TimedCall) -> FloatArray:
            taken, limit = one_call(call.dependency), call.timeout_seconds
            if limit is None:
                return taken
            waited, late = np.minimum(taken, limit), taken > limit
            for _ in range(call.attempts - 1):
                taken = one_call(call.dependency)
                waited = waited + np.where(late, np.minimum(taken, limit), 0.0)
                late = late & (taken > limit)
            return waited

        return ComposedLatency(one_call(root), int(shared.sum()), len(shared))

    def _chooser(
        self, known: npt.NDArray[np.bool_]
    ) -> Callable[[int, np.random.Generator], npt.NDArray[np.int64]]:
        weights = known.astype(np.float64) * (1.0 if self.traffic is None else np.nan_to_num(self.traffic))
        if not weights.sum() > 0:
            raise ValueError("no interval in which everything that is waited for has data and requests")
        cumulative = np.cumsum(weights) / weights.sum()
        return lambda n, rng: np.minimum(
            np.searchsorted(cumulative, rng.random(n), side="right"), len(weights) - 1
        )


@dataclass(frozen=True)
class ComposedLatency:
    """Drawn requests, in seconds, and how many of the intervals had data for all that they waited for."""

    seconds: FloatArray
    intervals_used: int
    intervals: int

    def percentile(self, level: float) -> float:
        """Seconds that this share of requests stays within; infinite above the last bound of a histogram."""
        return float(np.quantile(self.seconds, level, method="inverted_cdf"))

    def share_within(self, seconds: float) -> float:
        """Share of requests at or under a threshold."""
        return float((self.seconds <= seconds).mean())


def plans_of(graph: DependencyGraph, service_ids: Sequence[str], *, side_by_side: bool) -> dict[str, CallPlan]:
    """Plans that the graph allows: calls that are waited for, among these services.

    The graph does not know the order of calls. All of them side by side is the least that a request can take, all
    of them one after another the most: the truth lies between the two. Unknown weights count as 1.
    """
    inside = set(service_ids)
    plans: dict[str, CallPlan] = {}
    for service_id in service_ids:
        calls = tuple(
            TimedCall(
                edge.dependency,
                1.0 if edge.call_weight is None else edge.call_weight,
                None if edge.timeout_ms is None else edge.timeout_ms / 1000.0,
            )
            for edge in graph.edges_by_caller.get(service_id, ())
            if edge.mode is DependencyMode.SYNC and edge.dependency in inside
        )
        if calls:
            plans[service_id] = CallPlan((calls,) if side_by_side else tuple((call,) for call in calls))
    return plans
