"""Callers beside a graph: services that call some of its services and are called by none of them.

Failure travels against the calls, so nothing of theirs reaches the graph. What matters of them is what they ask:
a dependency's failures are divided among all who call it. Around a hub these are nearly all services there are, so
their series are summed up some at a time and not kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency

type FloatArray = npt.NDArray[np.float64]

AS_OFTEN_AS_THEY_DO = math.inf
"""In place of a limit of attempts."""


@dataclass(frozen=True)
class OtherCallers:
    """What callers beside a graph ask of its services.

    ``edges``: their calls to services of the graph, stale ones left out. ``requests``: of each caller over all
    intervals; absent: none known. ``success``: share of a caller's requests that succeed. ``attempts``: by service
    and limit k, what it gets interval by interval while all attempts fail and nobody tries more than k times,
    shape (n_intervals,); absent: nothing, or not needed because the service does not fail. ``seen``: by service
    without telemetry of its own, calls and failed ones that they count, shape (n_intervals,) each.
    """

    edges: tuple[Dependency, ...] = ()
    requests: Mapping[str, float] = field(default_factory=dict)
    success: Mapping[str, float] = field(default_factory=dict)
    attempts: Mapping[tuple[str, float], FloatArray] = field(default_factory=dict)
    seen: Mapping[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    @cached_property
    def by_dependency(self) -> Mapping[str, tuple[Dependency, ...]]:
        """Their calls to each service."""
        found: dict[str, list[Dependency]] = {}
        for edge in self.edges:
            found.setdefault(edge.dependency, []).append(edge)
        return {service_id: tuple(edges) for service_id, edges in found.items()}

    def attempts_at(self, service_id: str, limit: float = AS_OFTEN_AS_THEY_DO) -> FloatArray | None:
        """What a service gets of them when nobody tries more often than that; None: nothing."""
        most = self._most_attempts.get(service_id, 0)
        return self.attempts.get((service_id, limit if limit < most else AS_OFTEN_AS_THEY_DO))

    @cached_property
    def _most_attempts(self) -> Mapping[str, int]:
        return {
            service_id: max(edge.attempts for edge in edges) for service_id, edges in self.by_dependency.items()
        }


class SummedCallers:
    """Adds up the series of callers beside a graph as they come."""

    def __init__(
        self,
        edges: Sequence[Dependency],
        own: Iterable[Dependency],
        summed: Collection[str],
        intervals: int,
    ) -> None:
        """``own``: calls of the graph's own services, for how often they try. ``summed``: services for which the
        attempts of others are wanted.
        """
        self._edges = tuple(edges)
        wanted = [edge for edge in edges if edge.dependency in summed]
        self.callers = sorted({edge.caller for edge in wanted})
        self._column = {caller: place for place, caller in enumerate(self.callers)}
        self._requests: dict[str, float] = {}
        self._success: dict[str, float] = {}
        self._seen: dict[str, tuple[FloatArray, FloatArray]] = {}
        self._keys = self._limits(wanted, own)
        row = {key: place for place, key in enumerate(self._keys)}
        limits: dict[str, list[float]] = {}
        for service_id, limit in self._keys:
            limits.setdefault(service_id, []).append(limit)
        entries = [
            (
                row[edge.dependency, limit],
                self._column[edge.caller],
                (1.0 if edge.call_weight is None else edge.call_weight) * min(edge.attempts, limit),
            )
            for edge in wanted
            for limit in limits[edge.dependency]
        ]
        rows = np.array([entry[0] for entry in entries], np.int64)
        columns = np.array([entry[1] for entry in entries], np.int64)
        made = np.array([entry[2] for entry in entries], np.float64)
        self._asked = csc_array((made, (rows, columns)), shape=(len(self._keys), len(self.callers)))
        self._sums = np.zeros((len(self._keys), intervals))

    @staticmethod
    def _limits(wanted: Sequence[Dependency], own: Iterable[Dependency]) -> list[tuple[str, float]]:
        """Which sums are needed: of all attempts, and of those of callers held to as many as one of the graph."""
        most: dict[str, int] = {}
        for edge in wanted:
            most[edge.dependency] = max(edge.attempts, most.get(edge.dependency, 0))
        keys = {(service_id, AS_OFTEN_AS_THEY_DO) for service_id in most}
        for edge in own:
            if edge.attempts < most.get(edge.dependency, 0):
                keys.add((edge.dependency, float(edge.attempts)))
        return sorted(keys)

    def add(self, panel: SliPanel) -> None:
        """Checked series of some of the callers, each once; those without data are passed over."""
        known = np.isfinite(panel.total) & np.isfinite(panel.good)
        some = np.flatnonzero(known.any(axis=1))
        if not len(some):
            return
        total = np.where(known[some], panel.total[some], 0.0)
        good = np.where(known[some], panel.good[some], 0.0).sum(axis=1)
        names = [panel.service_ids[place] for place in some.tolist()]
        for name, requests, fine in zip(names, total.sum(axis=1).tolist(), good.tolist(), strict=True):
            self._success[name] = fine / requests if requests > 0.0 else 0.0
        self._ask(names, total)

    def add_requests(self, caller: str, requests: FloatArray) -> None:
        """Of a caller without telemetry, as many as its own callers count; shape (n_intervals,)."""
        self._ask([caller], requests[None])

    def _ask(self, callers: Sequence[str], total: FloatArray) -> None:
        for caller, requests in zip(callers, total.sum(axis=1).tolist(), strict=True):
            self._requests[caller] = self._requests.get(caller, 0.0) + requests
        asked = self._asked[:, [self._column[caller] for caller in callers]].tocsr()
        rows = np.flatnonzero(np.diff(asked.indptr))
        self._sums[rows] += asked[rows] @ total

    def add_seen(self, service_id: str, calls: FloatArray, failed: FloatArray) -> None:
        """Calls to a service without telemetry that one of the callers counts; shape (n_intervals,)."""
        before, failed = self._seen.get(service_id), np.minimum(failed, calls)
        self._seen[service_id] = (calls, failed) if before is None else (before[0] + calls, before[1] + failed)

    def silent(self) -> list[str]:
        """Callers of which no series with data was added, ascending."""
        return sorted(set(self.callers) - self._success.keys())

    def found(self) -> OtherCallers:
        """What was added."""
        some = np.flatnonzero(self._sums.any(axis=1)).tolist()
        return OtherCallers(
            edges=self._edges,
            requests=self._requests,
            success=self._success,
            attempts={self._keys[row]: self._sums[row] for row in some},
            seen=self._seen,
        )
