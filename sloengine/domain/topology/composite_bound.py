"""The availability that a service's dependencies allow it.

Own failures inside the subgraph, observed values at its rim, each dependency counted once however many paths lead
to it. The *observed* bound keeps failures joint as they were: replicas share a common cause learnt from joint
data, and dependencies that fail in the same interval cost their caller that interval once. The *independent* value
says what independence would give. The *promised* bound is a worst case: every dependency no better than its
promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.model import BoundContribution, CompositeBound
from sloengine.domain.topology.bound_notes import assumptions
from sloengine.domain.topology.bound_system import BoundSystem, bound_system, depths
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.failed_calls import FloatArray
from sloengine.domain.topology.failure_trace import trace_failures
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard
from sloengine.domain.topology.joint_draws import InheritedFailure, joint_draws, source_nodes
from sloengine.domain.topology.pass_through_limits import FAILED_WINDOWS
from sloengine.domain.topology.system import SOFT_PASS_THROUGH, edge_key, pass_probability

#: At most this many dependencies are listed, those with the largest share.
CONTRIBUTIONS = 50
_SMALLEST_SHARE = 1e-6
# Room for rounding when one unavailability is held against a tenth of another.
_TOLERANCE = 1e-12
# Watched as long as another: at least this part of its intervals have data.
_WATCHED = 0.9


@dataclass(frozen=True)
class Softened:
    """A call that passes on less: its pass probability before and after, and what is left of each source.

    ``factors``: by source of the inherited failure, how often it still reaches the root against before.
    """

    before: float
    after: float
    factors: tuple[float, ...]


@dataclass(frozen=True)
class BoundResult:
    """A composite bound, and what is needed to draw from it.

    ``standard_error``: of the observed bound, 0 where it is exact. ``own_unavailability``: the root's own.
    """

    bound: CompositeBound
    standard_error: float
    own_unavailability: float
    _carried: Callable[[], InheritedFailure]
    _softened: Callable[[str], Softened | None]

    @property
    def promised_ratio(self) -> float | None:
        """The bound if every dependency with a promise did no better; None: nobody promised anything."""
        return self.bound.promised_ratio

    @property
    def inherited(self) -> InheritedFailure:
        """What reaches the root, source by source."""
        return self._carried()

    def softened(self, dependency: str) -> Softened | None:
        """The root's call to this service made soft; None: there is no such call, or it is no harder already."""
        return self._softened(dependency)

    def joint_draws(
        self, n: int, rng: np.random.Generator, predictive_draws: Mapping[str, npt.NDArray[np.float64]]
    ) -> FloatArray | None:
        """See :func:`sloengine.domain.topology.joint_draws.joint_draws`."""
        return joint_draws(self._carried(), n, rng, predictive_draws)


def composite_bound(
    model: GraphReliability,
    root: str,
    *,
    max_depth: int = 3,
    window: timedelta,
    promises: Mapping[str, float] | None = None,
    seed: int = 0,
) -> BoundResult:
    """Bound of service ``root``.

    Parameters:
        max_depth: calls between components that are followed; below it observed values stand for what they call.
        window: over which budget minutes are counted.
        promises: availability that services' active SLOs promise, in [0, 1], by service id; the root's own, if
            present, is what "one more nine" is held against.
        seed: of the sampling; the same seed and model give the same answer.

    Raises:
        KeyError: the graph does not know ``root``.
    """
    promises = promises or {}
    position = model.graph.index[root]
    component = model.contracted.labels[position]
    depth = depths(model, component, max_depth)
    own = model.own_unavailability
    made = bound_system(model, component, depth, own, joint=True)
    joint = solve(made.system, seed=seed)
    beyond = _beyond(model, component, depth)
    independent = joint.probability
    if len(made.stands_for) > 0 and any(model.intrinsic.causes[c] for c in depth):
        independent = solve(bound_system(model, component, depth, own, joint=False).system, seed=seed).probability
    independent = _either(independent, beyond)
    limit, worst = _direct_limit(model, position)
    watched = _watched_as_long(model, position, depth)
    trace = trace_failures(model, position) if watched else None
    if trace is None:
        inherited = _joint_inherited(model, made, joint, beyond)
        if watched:
            inherited = min(inherited, max(float(model.shown[position]), limit))
        own_part = _own_unavailability(model, position, component, inherited)
        observed = max(_either(own_part, inherited), limit)
        shares: Mapping[int, float] = _shares(model, made, joint, component, position, own_part, inherited, beyond)
    else:
        shown = float(model.shown[position])
        observed = max(shown, limit)
        shares = _with_excess(trace.shares, shown, limit, worst)
        own_part, inherited = _parts(observed, shares.get(position, 0.0))
    error = joint.standard_error * (1.0 - own_part)
    services = sorted(service for c in depth for service in model.members[c])
    bound = CompositeBound(
        observed_ratio=1.0 - observed,
        independent_ratio=1.0 - max(_either(own_part, independent), 0.0),
        intrinsic_ratio=1.0 - own_part,
        promised_ratio=_promised(model, position, component, depth, own_part, promises, seed),
        contributions=_contributions(model, shares, observed, position, window, promises),
        contradictions=tuple(
            model.pass_through.contradictions[edge]
            for service in services
            for edge in model.edges_of[service]
            if edge in model.pass_through.contradictions
        ),
        assumptions=assumptions(model, services, position, standard_error=error, beyond=beyond),
    )

    def carried() -> InheritedFailure:
        return InheritedFailure.of(
            model, position, component, made, joint, own_part=own_part, inherited=inherited, observed=observed
        )

    def softened(dependency: str) -> Softened | None:
        return _soft_call(model, made, joint, position, component, dependency, seed)

    return BoundResult(bound, error, own_part, carried, softened)


def _soft_call(
    model: GraphReliability,
    made: BoundSystem,
    answer: ScenarioAnswer,
    position: int,
    component: int,
    dependency: str,
    seed: int,
) -> Softened | None:
    """Solve the root's system again with one of its calls passing on as little as a soft one."""
    edges = [
        edge
        for edge in model.edges_of[position]
        if model.edges[edge].dependency == dependency and model.edges[edge].redundancy_group is None
    ]
    if not edges:
        return None
    before = float(model.probability[edges[0]])
    after = pass_probability(SOFT_PASS_THROUGH, float(model.call_weights[edges[0]]))
    if after >= before:
        return None
    key, calls = edge_key(*model.edges[edges[0]].pair), list(made.system.calls)
    calls[component] = [replace(call, probability=after) if call.key == key else call for call in calls[component]]
    reach = solve(replace(made.system, calls=calls), seed=seed).reach
    nodes = source_nodes(made, answer, component)
    return Softened(before, after, tuple(reach.get(node, 0.0) / answer.reach[node] for node in nodes))


def _either(first: float, second: float) -> float:
    """P(A or B) of two independent events."""
    return first + second - first * second


def _beyond(model: GraphReliability, component: int, depth: Mapping[int, int]) -> float:
    """Unavailability from further below than the subgraph goes, each component counted once."""
    return float(-np.expm1(-float(_hazards_beyond(model, component, depth).sum())))


def _hazards_beyond(model: GraphReliability, component: int, depth: Mapping[int, int]) -> FloatArray:
    """Hazard that reaches ``component`` from each component that is not in its subgraph."""
    below = model.intrinsic.reach[component] * model.hazard_below
    below[list(depth)] = 0.0
    return np.asarray(below, np.float64)


def _joint_inherited(model: GraphReliability, made: BoundSystem, answer: ScenarioAnswer, beyond: float) -> float:
    """Inherited unavailability with failures joint in time: at most their sum, at least the largest."""
    plain = _either(answer.probability, beyond)
    reaching = [
        (made.stands_for.get(c, (c,))[0], made.system.unavailability[c], phi)
        for c, phi in answer.reach.items()
        if phi > 0.0 and made.system.unavailability[c] > 0.0
    ]
    if len(reaching) < 2:
        return plain
    components, unavailability, phi = (np.array(column) for column in zip(*reaching, strict=True))
    overlap = model.profile.overlap(components.astype(np.int64), unavailability, phi)
    largest = float((unavailability * phi).max())
    total = float((unavailability * phi).sum()) + max(0.0, answer.probability) + beyond
    return min(1.0, total, max(largest, plain * overlap))


def _own_unavailability(model: GraphReliability, position: int, component: int, inherited: float) -> float:
    """The root's own failure: what it showed less what it inherits, from sums, cut once."""
    if len(model.members[component]) > 1:
        return -float(np.expm1(-model.intrinsic.own_hazard[component]))
    shown = float(model.shown[position])
    if not np.isfinite(shown) or inherited >= 1.0:
        return 0.0
    return max(0.0, 1.0 - (1.0 - shown) / (1.0 - inherited))


def _watched_as_long(model: GraphReliability, position: int, depth: Mapping[int, int]) -> bool:
    """Whether the root was watched as long as what lies below it: its record then holds what it inherited."""
    below = [service for component in depth for service in model.members[component] if service != position]
    longest = max((int(model.intervals[service]) for service in below), default=0)
    enough = model.intervals[position] >= max(FAILED_WINDOWS, _WATCHED * longest)
    return bool(enough and np.isfinite(model.shown[position]))


def _with_excess(shares: Mapping[int, float], shown: float, limit: float, worst: int) -> Mapping[int, float]:
    """Shares of a bound below what the root showed: what was not seen and is not disproved is one dependency's."""
    if limit <= shown:
        return shares
    scaled = {service: share * shown / limit for service, share in shares.items()}
    scaled[worst] = scaled.get(worst, 0.0) + 1.0 - shown / limit
    return scaled


def _parts(observed: float, own_share: float) -> tuple[float, float]:
    """Own and inherited unavailability that compose to the observed one, by their shares of what failed."""
    inherited = observed * (1.0 - own_share)
    own = max(0.0, 1.0 - (1.0 - observed) / (1.0 - inherited)) if inherited < 1.0 else 0.0
    return own, inherited


def _direct_limit(model: GraphReliability, position: int) -> tuple[float, int]:
    """What the worst single direct dependency costs, q·f·u, whatever else is known; and which one that is."""
    worst, which = 0.0, position
    for edge in model.edges_of[position]:
        dependency = model.edges[edge]
        called = model.graph.index[dependency.dependency]
        shown = float(model.shown[called])
        cost = float(model.probability[edge]) * shown
        if dependency.redundancy_group is None and np.isfinite(shown) and cost > worst:
            worst, which = cost, called
    return worst, which


def _shares(
    model: GraphReliability,
    made: BoundSystem,
    answer: ScenarioAnswer,
    component: int,
    position: int,
    own_part: float,
    inherited: float,
    beyond: float,
) -> dict[int, float]:
    """Share of the root's unavailability by service, the root's own included; parts too small to tell left out."""
    own_hazard, below_hazard = hazard(own_part), hazard(inherited)
    if own_hazard + below_hazard <= 0.0:
        return {}
    by_component: dict[int, float] = {}
    for node, part in answer.share.items():
        for member in made.stands_for.get(node, (node,)):
            by_component[member] = by_component.get(member, 0.0) + part / len(made.stands_for.get(node, (node,)))
    if beyond > 0.0:
        below = _hazards_beyond(model, component, made.depth)
        for node in np.flatnonzero(below).tolist():
            by_component[node] = by_component.get(node, 0.0) + float(below[node])
    by_component.pop(component, None)
    whole = sum(by_component.values())
    scale = below_hazard / (own_hazard + below_hazard) / whole if whole > 0.0 else 0.0
    shares: dict[int, float] = {}
    for node, part in by_component.items():
        if part * scale > _SMALLEST_SHARE:
            _spread(model, node, part * scale, shares)
    _spread(model, component, own_hazard / (own_hazard + below_hazard), shares)
    if len(model.members[component]) == 1:
        shares[position] = own_hazard / (own_hazard + below_hazard)
    return shares


def _spread(model: GraphReliability, component: int, part: float, shares: dict[int, float]) -> None:
    """Divide a component's part among its services, by their own hazards."""
    services = model.members[component]
    if len(services) == 1:
        shares[services[0]] = part
        return
    hazards = model.intrinsic.service_hazard[services]
    whole = float(hazards.sum())
    for service, own in zip(services, hazards.tolist(), strict=True):
        shares[service] = part * (own / whole if whole > 0.0 else 1.0 / len(services))


def _contributions(
    model: GraphReliability,
    shares: Mapping[int, float],
    observed: float,
    position: int,
    window: timedelta,
    promises: Mapping[str, float],
) -> tuple[BoundContribution, ...]:
    root = model.graph.services[position].service_id
    minutes = observed * window / timedelta(minutes=1)
    shown = float(model.shown[position])
    allowed = (shown if np.isfinite(shown) else observed) / 10.0 + _TOLERANCE
    listed = sorted(
        ((share, service) for service, share in shares.items() if service != position and share > _SMALLEST_SHARE),
        key=lambda pair: (-pair[0], pair[1]),
    )[:CONTRIBUTIONS]
    found: list[BoundContribution] = []
    for share, service in listed:
        service_id = model.graph.services[service].service_id
        seen = float(model.shown[service])
        promise, target = promises.get(service_id), promises.get(root)
        gap = None if promise is None or target is None else max(0.0, 1.0 - (1.0 - target) / 10.0 - promise)
        found.append(
            BoundContribution(
                service_id=service_id,
                share_ratio=share,
                budget_minutes=share * minutes,
                one_more_nine=seen <= allowed if np.isfinite(seen) else None,
                promise_gap_ratio=gap,
            )
        )
    return tuple(found)


def _promised(
    model: GraphReliability,
    position: int,
    component: int,
    depth: Mapping[int, int],
    own_part: float,
    promises: Mapping[str, float],
    seed: int,
) -> float | None:
    """The bound with every promising dependency exactly at its promise, which covers all that it calls."""
    own = list(model.own_unavailability)
    closed: set[int] = set()
    for other in depth:
        kept = [promise_of(model, service, promises) for service in model.members[other] if service != position]
        stated = [promise for promise in kept if promise is not None]
        if stated and other != component:
            own[other] = 1.0 - min(stated)
            closed.add(other)
    if not closed:
        return None
    made = bound_system(model, component, depth, own, joint=False, closed=frozenset(closed))
    rim = max(depth.values())
    open_rim = any(distance == rim and other not in closed for other, distance in depth.items())
    inherited = solve(made.system, seed=seed).probability
    if open_rim:
        inherited = _either(inherited, _beyond(model, component, depth))
    return 1.0 - _either(own_part, inherited)


def promise_of(model: GraphReliability, service: int, promises: Mapping[str, float]) -> float | None:
    """Availability in [0, 1] by active SLO, else the published figure with its unavailability raised by 10 %."""
    stated = model.graph.services[service]
    promise = promises.get(stated.service_id)
    if promise is not None:
        return promise
    figure = stated.published_availability_ratio
    return None if figure is None else max(0.0, 1.0 - (1.0 - figure) * 1.1)
