"""What telemetry says about a whole graph: pass-through of every edge, own failure of every service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.recommendation.model import Contradiction, Estimate
from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.additive_fit import AdditiveFit
from sloengine.domain.topology.common_cause import find_aliases
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.failure_profile import FailureProfile, failure_profile
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.intrinsic import (
    Intrinsic,
    component_members,
    learn_intrinsic,
    shown_unavailability,
)
from sloengine.domain.topology.observed_traffic import observed_traffic
from sloengine.domain.topology.other_callers import OtherCallers
from sloengine.domain.topology.pass_through import PassThrough, learn_pass_through
from sloengine.domain.topology.pass_through_finding import PassThroughFinding
from sloengine.domain.topology.pass_through_limits import FAILED_CALLS, FAILED_WINDOWS
from sloengine.domain.topology.system import (
    Call,
    Contracted,
    contract,
    contract_below,
    edge_key,
    pass_probability,
)


@dataclass(frozen=True)
class GraphReliability:
    """A graph and what was learnt of it. Read-only; safe to share between threads.

    ``edges``: dependencies that are not stale; ``probability``: that each passes failure on, per request of the
    caller; ``call_weights`` in use. ``shown``: each service's unavailability as seen, NaN where nothing is known;
    ``requests``: how many were seen, in so many ``intervals``. ``published``, ``seen_by_callers``, ``unknown``:
    services known by their published figure only, by what their callers count, and not at all. ``aliases``: pairs
    of positions. ``traffic``: what all this was learnt from.
    """

    graph: DependencyGraph
    traffic: ObservedTraffic
    edges: tuple[Dependency, ...]
    pass_through: PassThrough
    probability: FloatArray
    call_weights: FloatArray
    shown: FloatArray
    requests: FloatArray
    intervals: IntArray
    published: frozenset[int]
    seen_by_callers: frozenset[int]
    unknown: frozenset[int]
    refused: Mapping[str, str]
    aliases: tuple[tuple[int, int], ...]
    contracted: Contracted
    members: list[list[int]]
    intrinsic: Intrinsic
    profile: FailureProfile
    notes: tuple[str, ...]
    seed: int

    @cached_property
    def measured_pass_through(self) -> Mapping[tuple[str, str], Estimate]:
        """Share of the failed calls that fail the caller, by (caller, dependency), where the evidence suffices."""
        return {self.edges[edge].pair: estimate for edge, estimate in self.pass_through.measured.items()}

    @cached_property
    def contradictions(self) -> Mapping[tuple[str, str], Contradiction]:
        """Declared dependencies whose failures do not reach their caller, by (caller, dependency)."""
        return {self.edges[edge].pair: found for edge, found in self.pass_through.contradictions.items()}

    @cached_property
    def names(self) -> list[str]:
        """Id of each service."""
        return [service.service_id for service in self.graph.services]

    @cached_property
    def alias_names(self) -> tuple[tuple[str, str], ...]:
        """Pairs of service ids that fail at the same times and count once."""
        return tuple((self.names[first], self.names[second]) for first, second in self.aliases)

    @cached_property
    def alias_of(self) -> Mapping[int, int]:
        """The first of all names of the same thing, by the position of each of them."""
        leader: dict[int, int] = {}
        for pair in self.aliases:
            known = {leader.get(service, service) for service in pair}
            first = min(known)
            leader = {service: first if lead in known else lead for service, lead in leader.items()}
            leader.update(dict.fromkeys((*known, *pair), first))
        return leader

    def intrinsic_unavailability(self, service_id: str) -> float | None:
        """A service's own unavailability; None: nothing is known about it."""
        position = self.graph.index[service_id]
        if position in self.unknown:
            return None
        return -float(np.expm1(-self.intrinsic.service_hazard[position]))

    @cached_property
    def own_unavailability(self) -> list[float]:
        """Each component's own, in [0, 1]."""
        return list((-np.expm1(-self.intrinsic.own_hazard)).tolist())

    @cached_property
    def rank(self) -> list[int]:
        """Place of each component in an order where every caller comes before what it calls."""
        places = [0] * len(self.contracted.calls)
        for place, component in enumerate(self.contracted.order):
            places[component] = place
        return places

    @cached_property
    def hazard_below(self) -> FloatArray:
        """What each component adds to the failure of those it reaches; shape (n_components,)."""
        return self.intrinsic.own_hazard + self.intrinsic.group_hazard

    @cached_property
    def edges_of(self) -> list[list[int]]:
        """Edges out of each service."""
        found: list[list[int]] = [[] for _ in self.graph.services]
        index = self.graph.index
        for edge, dependency in enumerate(self.edges):
            found[index[dependency.caller]].append(edge)
        return found


def learn_reliability(
    graph: DependencyGraph,
    panel: SliPanel,
    edge_panel: EdgePanel | None = None,
    refused: Mapping[str, str] | None = None,
    *,
    roots: Collection[str] | None = None,
    only_below: bool = False,
    fits: ContentMemo[AdditiveFit] | None = None,
    known: Mapping[tuple[str, str], PassThroughFinding] | None = None,
    others: OtherCallers | None = None,
    seed: int = 0,
) -> GraphReliability:
    """Learn pass-through and own failure over a whole graph or a part of it.

    Parameters:
        graph: the merged graph; stale dependencies are left out.
        panel: requests and good ones of the graph's services; services without a row have no data.
        edge_panel: calls and failed calls per edge, where service-graph metrics exist.
        refused: services whose series cannot be true, with the reason; kept as evidence on the edges into them.
        roots: services whose bounds are wanted; None: any. Pass-through is learnt only of edges that can lead from
            them, which changes none of their bounds: failure travels against the calls.
        only_below: of services that no root leads to, nothing is learnt; they are looked at as callers only. The
            roots' bounds are the same to the bit. Such a model cannot be edited.
        fits: additive fits made before; new ones are added.
        known: findings of edges that stand (:mod:`sloengine.domain.topology.pass_through_finding`), learnt with
            the same seed; the edges of other callers are learnt.
        others: callers of the graph's services that are not in it, by what they ask.
        seed: of bootstrap and sampling; the same inputs and seed give the same answer.

    A part of a graph should hold the other callers of its services too, or ``others`` tell of them: without edge
    metrics a dependency's failures are divided among the callers that are known.
    """
    refused = dict(refused or {})
    traffic = observed_traffic(graph, panel, edge_panel, others)
    callers = None if roots is None else graph.distances(list(roots), None)
    passes = learn_pass_through(traffic, refused, seed=seed, callers=callers, fits=fits, known=known)
    weights = _call_weights(traffic)
    probability = np.array(
        [pass_probability(f, w) for f, w in zip(passes.in_use.tolist(), weights.tolist(), strict=True)]
    )
    shown, published, unknown = shown_unavailability(traffic, refused)
    _after_all_attempts(traffic, probability)
    _by_counted_calls(traffic, passes, shown, probability)
    below = {graph.index[key] for key in callers} if only_below and callers is not None else None
    contracted = _contracted(traffic, probability, below)
    members = component_members(contracted)
    only = None if below is None else {contracted.labels[service] for service in below}
    return GraphReliability(
        graph=graph,
        traffic=traffic,
        edges=traffic.edges,
        pass_through=passes,
        probability=probability,
        call_weights=weights,
        shown=shown,
        requests=traffic.total.sum(axis=1),
        intervals=np.asarray((traffic.total > 0.0).sum(axis=1), np.int64),
        published=published,
        seen_by_callers=traffic.seen_by_callers,
        unknown=unknown,
        refused=refused,
        aliases=find_aliases(traffic, None if callers is None else {graph.index[key] for key in callers}),
        contracted=contracted,
        members=members,
        intrinsic=learn_intrinsic(traffic, contracted, shown, members, only),
        profile=failure_profile(traffic, members, contracted.calls, only),
        notes=traffic.notes,
        seed=seed,
    )


def _call_weights(traffic: ObservedTraffic) -> FloatArray:
    """Call weight in use per edge: as stated, else 1, or less where the dependency's traffic leaves no room for 1.

    A dependency that gets 10 requests while its caller gets 100 cannot be called more than 0.1 times per request.
    Replicas share traffic, so members of a group keep 1.
    """
    weights = traffic.weights.copy()
    rate = traffic.request_rate
    enough = traffic.has_data.sum(axis=1) >= FAILED_WINDOWS
    for edge, dependency in enumerate(traffic.edges):
        if dependency.call_weight is None and dependency.redundancy_group is None:
            caller, called = int(traffic.callers[edge]), int(traffic.dependencies[edge])
            if enough[caller] and enough[called] and rate[caller] > 0.0:
                weights[edge] = min(1.0, float(rate[called] / rate[caller]))
    return weights


def _after_all_attempts(traffic: ObservedTraffic, probability: FloatArray) -> None:
    """A call that is tried up to k times passes less on than single attempts fail: what is lost after all of them.

    Averaged over the dependency's intervals by their requests, so that an outage is passed on whole.
    """
    for edges in traffic.blocks_of(np.flatnonzero(traffic.attempts > 1.0)):
        called = traffic.dependencies[edges]
        lost = (traffic.lost_share(edges) * traffic.total[called]).sum(axis=1)
        failed = traffic.failed_sum[called]
        probability[edges] *= np.minimum(1.0, np.divide(lost, failed, out=np.ones_like(lost), where=failed > 0.0))


def _by_counted_calls(
    traffic: ObservedTraffic, passes: PassThrough, shown: FloatArray, probability: FloatArray
) -> None:
    """Where metrics count an edge's calls, let it bring Σ f·B failures, in place of weight × what all callers saw.

    A dependency fails each of its callers differently: those that retry ask most while it is down. Where calls are
    tried again and not counted, f times the most that can have failed is a limit.
    """
    requests = traffic.requests_sum
    often = np.flatnonzero((traffic.attempts > 1.0) & (passes.failed_calls >= FAILED_CALLS)).tolist()
    tried_again = [edge for edge in often if edge not in traffic.counted]
    most = dict(zip(tried_again, traffic.failed_at_most(tried_again).tolist(), strict=True))
    for edge in (*traffic.counted, *tried_again):
        caller, called = int(traffic.callers[edge]), int(traffic.dependencies[edge])
        failed = float(passes.failed_calls[edge])
        seen = requests[caller] > 0.0 and np.isfinite(shown[called]) and shown[called] > 0.0
        if seen and failed >= FAILED_CALLS and traffic.edges[edge].redundancy_group is None:
            brought = float(passes.in_use[edge]) * most.get(edge, failed) / float(requests[caller])
            limit = 1.0 if edge in traffic.counted else float(probability[edge])
            probability[edge] = min(limit, brought / float(shown[called]))


def _contracted(traffic: ObservedTraffic, probability: FloatArray, below: Collection[int] | None) -> Contracted:
    """``below``: services, closed under calls, whose calls are wanted; None: all."""
    alone = np.ones(len(traffic.edges), bool)
    groups: dict[tuple[int, str], tuple[list[Call], int]] = {}
    for edge, dependency in enumerate(traffic.edges):
        if dependency.redundancy_group is not None:
            alone[edge] = False
            key = int(traffic.callers[edge]), dependency.redundancy_group
            members, required = groups.get(key, ([], 1))
            groups[key] = (
                [*members, _call(traffic, probability, edge)],
                max(required, dependency.required or 1),
            )
    size = len(traffic.graph.services)
    if below is None:
        calls = [_call(traffic, probability, edge) for edge in np.flatnonzero(alone).tolist()]
        return contract(size, calls, list(groups.values()))
    wanted = np.zeros(size, bool)
    wanted[list(below)] = True
    calls = [
        _call(traffic, probability, edge) for edge in np.flatnonzero(alone & wanted[traffic.callers]).tolist()
    ]
    passing = alone & (probability > 0.0)
    ends = traffic.callers[passing], traffic.dependencies[passing]
    return contract_below(below, size, calls, list(groups.values()), ends)


def _call(traffic: ObservedTraffic, probability: FloatArray, edge: int) -> Call:
    caller, called = int(traffic.callers[edge]), int(traffic.dependencies[edge])
    return Call(caller, called, float(probability[edge]), edge_key(*traffic.edges[edge].pair))
