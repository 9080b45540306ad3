"""The availability that a service's dependencies allow it.

Own failures inside the subgraph, observed values at its rim, each dependency counted once however many paths lead
to it. The *observed* bound keeps failures joint as they were: replicas share a common cause learnt from joint
data, and dependencies that fail in the same interval cost their caller that interval once. The *independent* value
says what independence would give. The *promised* bound is a worst case: every dependency no better than its
promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.model import CompositeBound
from sloengine.domain.topology.bound_contradictions import contradictions
from sloengine.domain.topology.bound_notes import assumptions
from sloengine.domain.topology.bound_parts import (
    beyond_depth,
    direct_limit,
    either,
    joint_inherited,
    own_and_inherited,
    own_unavailability,
    watched_as_long,
)
from sloengine.domain.topology.bound_promises import promised
from sloengine.domain.topology.bound_shares import composed_shares, contributions, with_excess
from sloengine.domain.topology.bound_softened import Softened, soft_call
from sloengine.domain.topology.bound_system import bound_system, depths
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.failed_calls import FloatArray
from sloengine.domain.topology.failure_trace import FailureTrace, trace_failures
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.inherited_failure import InheritedFailure
from sloengine.domain.topology.joint_draws import joint_draws


@dataclass(frozen=True)
class BoundResult:
    """A composite bound, and what is needed to draw from it.

    ``standard_error``: of the observed bound, 0 where it is exact. ``own_unavailability``: the root's own.
    ``trace``: whose doing its failed requests were; None where its record does not hold what it inherited.
    """

    bound: CompositeBound
    standard_error: float
    own_unavailability: float
    trace: FailureTrace | None
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
    beyond = beyond_depth(model, component, depth)
    independent = joint.probability
    if len(made.stands_for) > 0 and any(model.intrinsic.causes[c] for c in depth):
        independent = solve(bound_system(model, component, depth, own, joint=False).system, seed=seed).probability
    independent = either(independent, beyond)
    limit, worst = direct_limit(model, position)
    watched = watched_as_long(model, position, depth)
    trace = trace_failures(model, position) if watched else None
    if trace is None:
        inherited = joint_inherited(model, made, joint, beyond)
        if watched:
            inherited = min(inherited, max(float(model.shown[position]), limit))
        own_part = own_unavailability(model, position, component, inherited)
        observed = max(either(own_part, inherited), limit)
        shares: Mapping[int, float] = composed_shares(
            model, made, joint, component, position, own_part, inherited, beyond
        )
    else:
        shown = float(model.shown[position])
        observed = max(shown, limit)
        shares = with_excess(trace.shares, shown, limit, worst)
        own_part, inherited = own_and_inherited(observed, shares.get(position, 0.0))
    error = joint.standard_error * (1.0 - own_part)
    services = sorted(service for c in depth for service in model.members[c])
    listed, others = contributions(model, shares, observed, position, window, promises)
    contradicted, more = contradictions(model, services, position)
    bound = CompositeBound(
        observed_ratio=1.0 - observed,
        independent_ratio=1.0 - max(either(own_part, independent), 0.0),
        intrinsic_ratio=1.0 - own_part,
        promised_ratio=promised(model, position, component, depth, own_part, promises, seed),
        contributions=listed,
        contradictions=contradicted,
        assumptions=assumptions(model, services, position, standard_error=error, beyond=beyond),
        others=others,
        more_contradictions=more,
    )

    def carried() -> InheritedFailure:
        return InheritedFailure.of(
            model,
            position,
            component,
            made,
            joint,
            own_part=own_part,
            inherited=inherited,
            observed=observed,
            shares=None if trace is None else shares,
        )

    def softened(dependency: str) -> Softened | None:
        return soft_call(model, made, joint, position, component, dependency, seed)

    return BoundResult(bound, error, own_part, trace, carried, softened)
