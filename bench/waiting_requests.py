"""Services whose requests wait for others, played one by one: the truth that composed latency is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sloengine.domain.reliability.panel import FloatArray, LatencyHistory
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

START = datetime(2026, 4, 1, tzinfo=UTC)
BOUNDS = np.r_[np.geomspace(0.005, 30.0, 60), np.inf]
OTEL = np.array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, np.inf])


@dataclass(frozen=True)
class Played:
    """``own``: median and spread of each service's own work; ``later``, ``scale``: changes of whole services.

    ``slow``: factor on own work by service and day, shape (days,). ``side_by_side``: callers that make all calls
    at once.
    """

    own: Mapping[str, tuple[float, float]]
    calls: Sequence[Dependency]
    days: int = 28
    side_by_side: frozenset[str] = frozenset()
    slow: Mapping[str, FloatArray] = field(default_factory=dict)
    later: Mapping[str, float] = field(default_factory=dict)
    scale: Mapping[str, float] = field(default_factory=dict)

    @property
    def graph(self) -> DependencyGraph:
        """As the engine is told."""
        return DependencyGraph(tuple(Service(name) for name in sorted(self.own)), tuple(self.calls))

    def seconds(self, service: str, requests: int, rng: np.random.Generator, depth: int = 0) -> FloatArray:
        """Of so many requests a day, shape (days, requests)."""
        if depth > 30:
            return np.zeros((self.days, requests))
        median, spread = self.own[service]
        slow = self.slow.get(service, np.ones(self.days))[:, None]
        taken = median * slow * np.exp(spread * rng.standard_normal((self.days, requests)))
        waits = [
            self._calls(edge, requests, rng, depth)
            for edge in self.calls
            if edge.caller == service and edge.call_weight != 0.0
        ]
        if waits:
            taken = taken + (np.max(waits, axis=0) if service in self.side_by_side else np.sum(waits, axis=0))
        return self.scale.get(service, 1.0) * taken + self.later.get(service, 0.0)

    def _calls(self, edge: Dependency, requests: int, rng: np.random.Generator, depth: int) -> FloatArray:
        weight = 1.0 if edge.call_weight is None else edge.call_weight
        total = np.zeros((self.days, requests))
        for position in range(int(np.ceil(weight))):
            made = rng.random(total.shape) < weight - position
            if made.any():
                each = np.zeros(total.shape)
                columns = int(made.sum(axis=1).max())
                drawn = self._tried(edge, columns, rng, depth)
                for day in range(self.days):
                    each[day, made[day]] = drawn[day, : made[day].sum()]
                total += each
        return total

    def _tried(self, edge: Dependency, requests: int, rng: np.random.Generator, depth: int) -> FloatArray:
        """Waiting for a call that is tried again after each timeout, as often as is stated."""
        waited, late = np.zeros((self.days, requests)), np.ones((self.days, requests), bool)
        limit = np.inf if edge.timeout_ms is None else edge.timeout_ms / 1000.0
        for _ in range(edge.attempts):
            seconds = self.seconds(edge.dependency, requests, rng, depth + 1)
            waited += np.where(late, np.minimum(seconds, limit), 0.0)
            late &= seconds > limit
            if not late.any():
                break
        return waited

    def histories(
        self, seed: int, requests: int = 3_000, bounds: FloatArray = BOUNDS
    ) -> dict[str, LatencyHistory]:
        """What telemetry stores."""
        found = {}
        for place, name in enumerate(sorted(self.own)):
            seconds = self.seconds(name, requests, np.random.default_rng([seed, place]))
            bucket = np.searchsorted(bounds, seconds)
            counts = np.array([np.bincount(row, minlength=len(bounds)) for row in bucket], float)
            found[name] = LatencyHistory(name, START, bounds, counts)
        return found

    def percentile(self, service: str, level: float, seed: int = 99, requests: int = 6_000) -> float:
        """In seconds, over so many requests a day."""
        return float(np.quantile(self.seconds(service, requests, np.random.default_rng(seed)), level))

    def changed(self, **how: Any) -> Played:
        """The same with other parts."""
        return replace(self, **how)
