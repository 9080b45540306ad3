"""Whose doing a service's failed requests were, traced along the calls interval by interval.

In each interval a caller's failed requests E are divided among its calls and itself. A call is expected to bring
λ = f · B (pass-through in use × failed calls of the dependency that belong to the caller), the caller itself its
quiet level a · N. Where they expect more than failed, each takes its part of what did: E · λ / (Σ λ + a · N),
the mean of independent Poisson counts given their sum. Where they expect less, calls get what they expect and the
rest is the caller's own. What a call got is then divided by its dependency's failures of the same interval, and so
on down. Mass is conserved: the parts add up to all failed requests.

Intervals in which the service stands out are traced one by one; the quiet rest is one sum, cut once, because hour
by hour noise would be taken for own failure. Calls inside a cycle are walked at most as often as it has members;
what has found no origin by then stays where it is, and so does what is too little to matter. A dependency without
data in an interval is not blamed for it; a provider known by its published figure only is expected to fail as that
says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from heapq import heappop, heappush

import numpy as np

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.failed_calls import FloatArray, IntArray
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.system import required_members

#: An interval stands out with this many times the usual failures, and this many at least: one alone is noise.
_STANDS_OUT, _LEAST_FAILED = 4.0, 2.0
#: A part of the root's failures too small to be followed further.
_NEGLIGIBLE = 1e-4
#: Rounds in which calls inside a cycle are walked.
_MOST_ROUNDS = 8
_NEVER = 1e-300


@dataclass(frozen=True)
class FailureTrace:
    """A root's failed requests by the service that caused them.

    ``intervals``: those that stand out. ``caused``: by position of a service, failed requests in each of these,
    and in all others together last; shape (len(intervals) + 1,). ``failed`` and ``requests``: the root's by
    interval from ``start_at`` on, shape (n_intervals,). All of ``caused`` adds up to all of ``failed``. ``names``:
    ids of all services.
    """

    root: int
    names: Sequence[str]
    intervals: IntArray
    caused: Mapping[int, FloatArray]
    failed: FloatArray
    requests: FloatArray
    start_at: datetime
    step: timedelta

    @cached_property
    def shares(self) -> Mapping[int, float]:
        """Part in [0, 1] of the root's failed requests by service, the root's own included."""
        whole = float(self.failed.sum())
        return {service: float(part.sum()) / whole for service, part in self.caused.items()}

    def by_interval(self, service: int) -> FloatArray:
        """Failed requests that one service caused; the quiet rest as the root's own was spread over time."""
        spread = self.failed.copy()
        spread[self.intervals] = 0.0
        part = self.caused.get(service)
        if part is None:
            return np.zeros_like(spread)
        whole = float(spread.sum())
        found = spread * (float(part[-1]) / whole) if whole > 0.0 else spread
        found[self.intervals] = part[:-1]
        return found

    def failures_of(self, service_ids: Sequence[str]) -> SliPanel:
        """The root's requests by each of these services: those that it caused to fail are bad, all others good."""
        places = {self.names[service]: service for service in self.caused}
        caused = np.array([self.by_interval(places.get(name, -1)) for name in service_ids])
        total = np.broadcast_to(self.requests, caused.shape)
        return SliPanel(tuple(service_ids), self.start_at, self.step, total - caused, total)


def trace_failures(model: GraphReliability, root: int) -> FailureTrace | None:
    """Trace the failed requests of the service at position ``root``; None: it has none that can be believed.

    A few milliseconds: only what a part of the failures leads to is looked at.
    """
    traffic = model.traffic
    failed = traffic.bad[root]
    if model.names[root] in model.refused or failed.sum() <= 0.0:
        return None
    usual = float(failed.sum() / traffic.total[root].sum())
    intervals = np.flatnonzero((failed > _STANDS_OUT * usual * traffic.total[root]) & (failed >= _LEAST_FAILED))
    walk = _Walk(model, intervals)
    caused = walk.from_root(root)
    return FailureTrace(
        root, model.names, intervals, caused, failed, traffic.total[root], traffic.start_at, traffic.step
    )


@dataclass
class _Walk:
    """One trace: failed requests that wait at services to be divided, and those whose origin was found."""

    model: GraphReliability
    intervals: IntArray

    def from_root(self, root: int) -> dict[int, FloatArray]:
        """Divide, callers before what they call."""
        labels, rank, members = self.model.contracted.labels, self.model.rank, self.model.members
        start = self._failed(root)
        least = _NEGLIGIBLE * float(start.sum())
        waiting: dict[int, FloatArray] = {root: start}
        found: dict[int, FloatArray] = {}
        queue = [(rank[labels[root]], labels[root])]
        queued = {labels[root]}
        while queue:
            component = heappop(queue)[1]
            here = {service: waiting.pop(service) for service in members[component] if service in waiting}
            for service, mass in self._through(component, here, found, least).items():
                waiting[service] = waiting[service] + mass if service in waiting else mass
                if labels[service] not in queued:
                    queued.add(labels[service])
                    heappush(queue, (rank[labels[service]], labels[service]))
        return found

    def _through(
        self, component: int, here: dict[int, FloatArray], found: dict[int, FloatArray], least: float
    ) -> dict[int, FloatArray]:
        """Divide what has reached a component; what leaves it, by service."""
        labels = self.model.contracted.labels
        left: dict[int, FloatArray] = {}
        rounds = min(len(self.model.members[component]), _MOST_ROUNDS)
        for turn in range(rounds + 1):
            again: dict[int, FloatArray] = {}
            for service in sorted(here):
                mass = here[service]
                if (turn == rounds and turn > 1) or float(mass.sum()) < least:
                    parts: dict[int, FloatArray] = {}
                else:
                    parts = self._parts(service, mass)
                for dependency, part in parts.items():
                    into = again if labels[dependency] == component else left
                    into[dependency] = into[dependency] + part if dependency in into else part
                    mass = mass - part
                mass = np.maximum(mass, 0.0)  # what rounding left
                found[service] = found[service] + mass if service in found else mass
            here = again
            if not here:
                break
        return left

    def _parts(self, service: int, mass: FloatArray) -> dict[int, FloatArray]:
        """What of a service's failed requests each dependency brought."""
        edges = self.model.edges_of[service]
        if not edges or self.model.names[service] in self.model.refused:
            return {}
        failed, requests = self._failed(service), self._requests(service)
        brought = self._brought(service, edges)
        whole = brought.sum(axis=0)
        quiet = max(0.0, float(failed[-1] - whole[-1])) / max(float(requests[-1]), 1.0)
        expected = whole + quiet * requests
        expected[-1] = whole[-1]
        share = brought / np.maximum(np.maximum(expected, failed), _NEVER)
        share[:, failed <= 0.0] = 0.0
        dependencies = self.model.traffic.dependencies[edges].tolist()
        found: dict[int, FloatArray] = {}
        for dependency, part in zip(dependencies, share * mass, strict=True):
            if part.any():
                found[dependency] = found[dependency] + part if dependency in found else part
        return found

    def _failed(self, service: int) -> FloatArray:
        traffic = self.model.traffic
        return _columns(traffic.bad[service, self.intervals], traffic.failed_sum[service])

    def _requests(self, service: int) -> FloatArray:
        traffic = self.model.traffic
        return _columns(traffic.total[service, self.intervals], traffic.requests_sum[service])

    def _brought(self, service: int, edges: list[int]) -> FloatArray:
        """Failed requests that each call is expected to bring; shape (len(edges), len(intervals) + 1)."""
        model, traffic = self.model, self.model.traffic
        # The most that can have failed: what dependencies are not charged with stays the caller's doing.
        loud = traffic.most_failed(edges, self.intervals)
        brought = _columns(loud, traffic.failed_at_most(edges)) * model.pass_through.in_use[edges][:, None]
        requests = self._requests(service)
        for row, edge in enumerate(edges):
            called = int(traffic.dependencies[edge])
            if (
                not traffic.has_data[called].any()
                and edge not in traffic.counted
                and np.isfinite(model.shown[called])
            ):
                brought[row] = model.probability[edge] * model.shown[called] * requests
        self._stand_ins(edges, brought, traffic.total[service])
        self._once(edges, brought)
        return brought

    def _stand_ins(self, edges: list[int], brought: FloatArray, requests: FloatArray) -> None:
        """Members of a group fail their caller only where too few are left, and answer for it as each was down.

        A member's call weight says how often a request needs the group: stand-ins share its calls.
        """
        model, traffic = self.model, self.model.traffic
        groups: dict[str, list[int]] = {}
        for row, edge in enumerate(edges):
            group = model.edges[edge].redundancy_group
            if group is not None:
                groups.setdefault(group, []).append(row)
        for rows in groups.values():
            members = [edges[row] for row in rows]
            required = required_members(max(model.edges[edge].required or 1 for edge in members), len(rows))
            fatal = len(rows) - required + 1
            if fatal == 1:
                continue
            passes = model.pass_through.in_use[members][:, None]
            ratio = traffic.lost_share(members) * passes
            tail = np.zeros((fatal + 1, len(requests)))
            tail[0] = 1.0
            for member in ratio:
                moved = tail[:-1] * member
                tail[1:] += moved
                tail[:-1] -= moved
            # Only requests that use the group can fail by it: its members' weight says how many those are.
            together = requests * min(1.0, float(model.call_weights[members].max())) * tail[-1]
            seen = traffic.has_data[traffic.dependencies[members]].any(axis=1).tolist()
            if all(known or edge in traffic.counted for known, edge in zip(seen, members, strict=True)):
                # And each of them saw a call to a member fail.
                together = np.minimum(together, (traffic.attributed(members)[0] * passes).sum(axis=0))
            parts = np.divide(ratio, ratio.sum(axis=0), out=np.zeros_like(ratio), where=ratio.sum(axis=0) > 0.0)
            whole = parts * together
            brought[rows] = _columns(whole[:, self.intervals], whole.sum(axis=1))

    def _once(self, edges: list[int], brought: FloatArray) -> None:
        """Two names of one thing bring its failures once."""
        clusters: dict[int, list[int]] = {}
        for row, edge in enumerate(edges):
            called = int(self.model.traffic.dependencies[edge])
            if called in self.model.alias_of:
                clusters.setdefault(self.model.alias_of[called], []).append(row)
        for rows in clusters.values():
            if len(rows) > 1:
                whole = brought[rows].sum(axis=0)
                largest = brought[rows].max(axis=0)
                brought[rows] *= np.divide(largest, whole, out=np.ones_like(whole), where=whole > 0.0)


def _columns(loud: FloatArray, whole: FloatArray | float) -> FloatArray:
    """Values of the intervals that stand out, and the sum of all others beside them; over the last axis."""
    rest = np.maximum(np.asarray(whole)[..., None] - loud.sum(axis=-1, keepdims=True), 0.0)
    return np.concatenate([loud, rest], axis=-1)
