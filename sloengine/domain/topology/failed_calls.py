"""Failed calls of a dependency that belong to one caller, interval by interval.

Failure is compared call by call, never rate by rate: B is the number of failed calls attributed to the caller, E
the number of the caller's failed requests. Where service-graph metrics count the edge itself, B is theirs.
Elsewhere it is the dependency's failures times the caller's share of the calls to it (traffic × call weight), at
most the caller's requests.

Of a call that is tried up to k times the telemetry counts attempts. It has failed when all of them have, so of
n failed attempts at most n / k are failed calls. A caller that tries more often brings more of a dependency's
failed attempts: B = bad · calls / Σ (calls · k) over all callers. That is exact where the attempts of a call share
their fate. Where each attempt fails for itself, it is no limit for a caller that tries less often than others;
:meth:`ObservedTraffic.failed_at_most` is (see docs/science/composite-bound.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.other_callers import AS_OFTEN_AS_THEY_DO, OtherCallers

type FloatArray = npt.NDArray[np.float64]
type IntArray = npt.NDArray[np.int64]

#: Edges looked at together: bounds memory to a few arrays of this many rows.
EDGES_AT_ONCE = 1024


@dataclass(frozen=True)
class SharedCalls:
    """What all callers ask of the services of a graph that holds the edges of some callers only.

    ``received``: attempts that each service gets while all of them fail, shape (n_services, n_intervals).
    ``callers``: how many each service has, shape (n_services,).
    """

    received: FloatArray
    callers: IntArray


@dataclass(frozen=True)
class ObservedTraffic:
    """Requests and failures of a graph's services and calls, in the graph's order; 0 where there is no data.

    ``total`` and ``bad``: shape (n_services, n_intervals). ``edges``: the dependencies looked at, stale ones left
    out; ``callers`` and ``dependencies`` their ends. ``counted``: failed calls per interval of the edges that
    service-graph metrics count, by edge. ``seen_by_callers``: services without telemetry of their own, whose
    requests are the calls that their callers count. ``shared``: None, unless the graph lacks edges of others
    who call the same; then B, E and the pass-through learnt of them are as with those edges. Limits that ask how
    often others try (``most_failed``, ``lost_share``) are not. ``others``: callers that the graph lacks, by what
    they ask; with them all of this is as if they were in it.
    """

    graph: DependencyGraph
    start_at: datetime
    step: timedelta
    has_data: npt.NDArray[np.bool_]
    total: FloatArray
    bad: FloatArray
    edges: tuple[Dependency, ...]
    callers: IntArray
    dependencies: IntArray
    counted: dict[int, FloatArray]
    seen_by_callers: frozenset[int]
    notes: tuple[str, ...]
    shared: SharedCalls | None = None
    others: OtherCallers | None = None

    @cached_property
    def weights(self) -> FloatArray:
        """Call weight of each edge, 1 where it is not known; shape (n_edges,)."""
        return np.array([1.0 if edge.call_weight is None else edge.call_weight for edge in self.edges])

    @cached_property
    def attempts(self) -> FloatArray:
        """How often the calls of each edge are tried at most; shape (n_edges,)."""
        return np.array([float(edge.attempts) for edge in self.edges])

    @cached_property
    def attempts_received(self) -> FloatArray:
        """Attempts that each service gets while all of them fail, by its callers' traffic and call weights."""
        if self.shared is not None:
            return self.shared.received
        received = np.asarray(self._calls_of(self.weights * self.attempts) @ self.total)
        return self._with_others(received, np.arange(len(received)), AS_OFTEN_AS_THEY_DO, None)

    @cached_property
    def caller_count(self) -> IntArray:
        """How many services call each, shape (n_services,)."""
        if self.shared is not None:
            return self.shared.callers
        count = np.bincount(self.dependencies, minlength=self.total.shape[0])
        for row, edges in self._other_edges.items():
            count[row] += len(edges)
        return count

    @cached_property
    def _other_edges(self) -> dict[int, tuple[Dependency, ...]]:
        """Calls of callers that the graph lacks, by the row of the service called."""
        known = {} if self.others is None else self.others.by_dependency
        return {self.graph.index[service_id]: edges for service_id, edges in known.items()}

    def _with_others(
        self, received: FloatArray, services: IntArray, limit: float, intervals: IntArray | None
    ) -> FloatArray:
        """``received`` by these services (rows) of callers in the graph, and what others ask added to it."""
        if self.others is not None:
            for row, service in enumerate(services.tolist()):
                if service in self._other_edges:
                    asked = self.others.attempts_at(self.graph.services[service].service_id, limit)
                    if asked is not None:
                        received[row] += asked if intervals is None else asked[intervals]
        return received

    def _calls_of(self, per_request: FloatArray) -> csr_array:
        """What each service (row) gets for each request of its callers (columns), given that of each edge."""
        size = self.total.shape[0]
        return csr_array((per_request, (self.dependencies, self.callers)), shape=(size, size))

    def attributed(
        self, edges: Sequence[int] | IntArray, intervals: IntArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """B and E of these edges; both of shape (len(edges), n_intervals). ``intervals`` None: all."""
        chosen = np.asarray(edges, np.int64)
        callers, dependencies = self.callers[chosen], self.dependencies[chosen]

        def rows(values: FloatArray, of: IntArray) -> FloatArray:
            return values[of] if intervals is None else values[of[:, None], intervals]

        requests = rows(self.total, callers)
        received = rows(self.attempts_received, dependencies)
        made = requests * (self.weights * self.attempts)[chosen][:, None]
        share = np.divide(made, received, out=np.zeros_like(requests), where=received > 0.0)
        failed = rows(self.bad, dependencies) * share
        for row, edge in enumerate(chosen.tolist()):
            if edge in self.counted:
                failed[row] = self.counted[edge] if intervals is None else self.counted[edge][intervals]
        failed /= self.attempts[chosen][:, None]
        return np.minimum(failed, requests), rows(self.bad, callers)

    def failed_each_for_itself(self, edges: Sequence[int] | IntArray) -> FloatArray:
        """Failed calls of these edges if each attempt fails for itself; shape (len(edges), n_intervals).

        Then of all attempts at the dependency a share a = bad / total fails, whoever makes them and however often:
        callers' calls c with up to k attempts make c (1 + a + … + aᵏ⁻¹) attempts, of which that times a fail, and
        c aᵏ calls are lost. Exact in that case; where attempts share their fate more calls are lost.
        """
        chosen = np.asarray(edges, np.int64)
        total, bad = self.total[self.dependencies[chosen]], self.bad[self.dependencies[chosen]]
        share = np.divide(bad, total, out=np.zeros_like(bad), where=total > 0.0)
        calls = self.total[self.callers[chosen]] * self.weights[chosen][:, None]
        lost = calls * np.minimum(share, 1.0) ** self.attempts[chosen][:, None]
        return np.asarray(np.minimum(lost, self.total[self.callers[chosen]]))

    def most_failed(self, edges: Sequence[int] | IntArray, intervals: IntArray | None = None) -> FloatArray:
        """The most failed calls these edges can have had, at least B; shape (len(edges), n_intervals).

        Others are taken to try no more often than the edge's caller: k attempts of which each fails for itself
        with a make a + … + aᵏ failed ones, no fewer than k · aᵏ, and one that shares its fate makes more. So it is
        a limit in an outage, where the attempts of a call share their fate, and where they do not.
        """
        chosen = np.asarray(edges, np.int64)
        failed, _ = self.attributed(chosen, intervals)
        total = self.total if intervals is None else self.total[:, intervals]
        bad = self.bad if intervals is None else self.bad[:, intervals]
        others_try_more = self._most_attempts[self.dependencies[chosen]] > self.attempts[chosen]
        others_try_more &= np.array([edge not in self.counted for edge in chosen.tolist()], bool)
        for attempts in np.unique(self.attempts[chosen[others_try_more]]).tolist():
            places = np.flatnonzero(others_try_more & (self.attempts[chosen] == attempts))
            portion = chosen[places]
            requests = total[self.callers[portion]]
            services, row = np.unique(self.dependencies[portion], return_inverse=True)
            asked = np.asarray(self._calls_tried(attempts)[services] @ total)
            received = self._with_others(asked, services, attempts, intervals)[row]
            made = requests * self.weights[portion][:, None]
            share = np.divide(made, received, out=np.zeros_like(made), where=received > 0.0)
            failed[places] = np.minimum(bad[self.dependencies[portion]] * share, requests)
        return failed

    def failed_at_most(self, edges: Sequence[int]) -> FloatArray:
        """:meth:`most_failed` over all intervals, shape (len(edges),); summed once for each edge."""
        missing = np.array([edge for edge in edges if edge not in self._most_sums], np.int64)
        for portion in self.blocks_of(missing):
            sums = self.most_failed(portion).sum(axis=1).tolist()
            self._most_sums.update(zip(portion.tolist(), sums, strict=True))
        return np.array([self._most_sums[edge] for edge in edges])

    def _calls_tried(self, attempts: float) -> csr_array:
        """Attempts that each service gets per request of its callers, of which none tries more often than so."""
        if attempts not in self._tried:
            self._tried[attempts] = self._calls_of(self.weights * np.minimum(self.attempts, attempts))
        return self._tried[attempts]

    @cached_property
    def _tried(self) -> dict[float, csr_array]:
        return {}

    @cached_property
    def _most_sums(self) -> dict[int, float]:
        return {}

    @cached_property
    def _most_attempts(self) -> FloatArray:
        """How often the most patient caller of each service tries."""
        most = np.ones(self.total.shape[0])
        np.maximum.at(most, self.dependencies, self.attempts)
        for row, edges in self._other_edges.items():
            most[row] = max(most[row], *(float(edge.attempts) for edge in edges))
        return most

    def lost_share(self, edges: Sequence[int] | IntArray) -> FloatArray:
        """Share of these edges' calls that fail after all attempts, at most; shape (len(edges), n_intervals).

        Of all attempts at the dependency a share r fails. Where a share s of the calls fails, with all its
        attempts, and calls are tried k times in the mean over the callers, r = s k / (1 + s (k - 1)), so
        s = r / (k - r (k - 1)). Again others are taken to try no more often than the edge's caller.
        """
        chosen = np.asarray(edges, np.int64)
        total, bad = self.total[self.dependencies[chosen]], self.bad[self.dependencies[chosen]]
        attempts = self._mean_attempts(chosen)[:, None]
        return np.divide(bad, attempts * total - bad * (attempts - 1.0), out=np.zeros_like(bad), where=total > 0.0)

    def _mean_attempts(self, edges: IntArray) -> FloatArray:
        """How often calls to an edge's dependency are tried, in the mean, but by nobody more often than by it.

        What the traffic of the known callers does not explain of the dependency's requests is that of callers
        without telemetry, and tried as often as the least patient of these does.
        """
        found = self.attempts[edges].copy()
        for place, edge in enumerate(edges.tolist()):
            if found[place] == 1.0:
                continue
            called = self.dependencies[edge]
            beside = self._by_dependency[0][slice(*self._by_dependency[1][called : called + 2])]
            other_attempts, other_calls = self._other_sums(int(called))
            tried = np.minimum(np.append(self.attempts[beside], other_attempts), found[place])
            calls = self.requests_sum[self.callers[beside]] * self.weights[beside]
            calls = np.append(calls, other_calls)
            silent = np.flatnonzero(calls <= 0.0)
            if len(silent):
                least = silent[tried[silent].argmin()]
                calls[least] = max(0.0, float(self.requests_sum[called] - calls.sum()))
            if calls.sum() > 0.0:
                found[place] = float(calls @ tried / calls.sum())
        return found

    def _other_sums(self, service: int) -> tuple[list[float], list[float]]:
        """Attempts, and calls over all intervals, of each call of others to a service."""
        edges = self._other_edges.get(service, ())
        if self.others is None or not edges:
            return [], []
        requests = [self.others.requests.get(edge.caller, 0.0) for edge in edges]
        weights = [1.0 if edge.call_weight is None else edge.call_weight for edge in edges]
        calls = [weight * made for weight, made in zip(weights, requests, strict=True)]
        return [float(edge.attempts) for edge in edges], calls

    @cached_property
    def _by_dependency(self) -> tuple[IntArray, IntArray]:
        """Edges sorted by dependency, and where each dependency's begin."""
        order = np.argsort(self.dependencies, kind="stable")
        return order, np.searchsorted(self.dependencies[order], np.arange(self.total.shape[0] + 1))

    @cached_property
    def requests_sum(self) -> FloatArray:
        """Requests of each service over all intervals, shape (n_services,)."""
        return np.asarray(self.total.sum(axis=1))

    @cached_property
    def failed_sum(self) -> FloatArray:
        """Failed requests of each service over all intervals, shape (n_services,)."""
        return np.asarray(self.bad.sum(axis=1))

    def blocks_of(self, edges: IntArray) -> Iterator[IntArray]:
        """The edges in portions that fit into memory."""
        for first in range(0, len(edges), EDGES_AT_ONCE):
            yield edges[first : first + EDGES_AT_ONCE]

    @cached_property
    def unavailability(self) -> FloatArray:
        """Failed over all requests of each service, from sums; NaN where there were none."""
        totals, failures = self.requests_sum, self.failed_sum
        return np.asarray(
            np.divide(failures, totals, out=np.full(len(totals), np.nan), where=totals > 0.0), np.float64
        )

    @cached_property
    def request_rate(self) -> FloatArray:
        """Requests per interval between a service's first and last interval with data; NaN without data."""
        present = self.has_data.any(axis=1)
        first = self.has_data.argmax(axis=1)
        last = self.has_data.shape[1] - 1 - self.has_data[:, ::-1].argmax(axis=1)
        span = np.where(present, last - first + 1, 1)
        return np.where(present, self.total.sum(axis=1) / span, np.nan)
