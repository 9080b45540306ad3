"""A learnt model with edits made to it: edges pass on less, services fail less, groups are added.

What services do by themselves stays as it was learnt; what they showed contains what they inherited under the old
graph and is not used again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sloengine.domain.topology.common_cause import common_cause
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import (
    Intrinsic,
    component_members,
    hazard,
)
from sloengine.domain.topology.pass_through import declared_pass_through
from sloengine.domain.topology.reach_rows import ReachRow, ReachRows
from sloengine.domain.topology.system import (
    Call,
    Contracted,
    Group,
    contract,
    edge_key,
    pass_probability,
    reachable_in_order,
)
from sloengine.domain.what_if.edits import (
    AddCache,
    AddFallback,
    AddReplica,
    Cut,
    GraphEdit,
    Improve,
    MakeAsync,
    Soften,
)

# Reach is kept in single precision.
_ROUNDING = 1e-6


@dataclass
class _Draft:
    """Edges and services while edits are made."""

    probability: list[float]
    weight: list[float]
    service_hazard: list[float]
    fallbacks: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    """By edge: services that stand in, and what they pass on."""


@dataclass(frozen=True)
class EditedModel:
    """``reliability``: after the edits. ``short``: by the place of an edit, the availability that a service comes
    to where what it inherits keeps it from what was asked.
    """

    reliability: GraphReliability
    short: Mapping[int, float]


def edited_model(model: GraphReliability, edits: Sequence[GraphEdit], roots: Sequence[str]) -> EditedModel:
    """The model after these edits, in their order. The edits fit the graph; where an edit names what the model
    does not hold, it lies too far from everything asked for to be felt, and is left out.

    ``roots``: services that the model will be asked about. What reaches others is not worked out, which keeps a
    model as small as what lies below its roots.
    """
    index = model.graph.index
    draft = _Draft(
        model.probability.tolist(), model.call_weights.tolist(), model.intrinsic.service_hazard.tolist()
    )
    edges = {edge.pair: place for place, edge in enumerate(model.edges)}
    short: dict[int, float] = {}
    for place, edit in enumerate(edits):
        if isinstance(edit, AddReplica | Improve):
            if edit.service_id in index:
                _change_service(model, draft, place, edit, short)
        elif (edge := edges.get((edit.caller, edit.dependency))) is not None:
            _change_edge(model, draft, edge, edit)
    return EditedModel(_composed(model, draft, [index[root] for root in roots if root in index]), short)


def whole_hazard(model: GraphReliability, position: int) -> float:
    """Hazard of a service with all that it inherits; it is one of the roots of the model."""
    return model.intrinsic.reach[model.contracted.labels[position]].dot(model.hazard_below)


def _composed(model: GraphReliability, draft: _Draft, roots: Sequence[int]) -> GraphReliability:
    contracted = _contracted(model, draft)
    members = component_members(contracted)
    below: set[int] = set()
    for component in {contracted.labels[root] for root in roots}:
        below.update(reachable_in_order(component, contracted.calls, contracted.groups))
    return replace(
        model,
        probability=np.array(draft.probability),
        call_weights=np.array(draft.weight),
        contracted=contracted,
        members=members,
        intrinsic=_recomposed(model, contracted, members, np.array(draft.service_hazard), below),
    )


def _change_service(
    model: GraphReliability, draft: _Draft, at: int, edit: AddReplica | Improve, short: dict[int, float]
) -> None:
    place = model.graph.index[edit.service_id]
    own = draft.service_hazard[place]
    if isinstance(edit, AddReplica):
        draft.service_hazard[place] = hazard(replicated(_failing(own), edit))
    elif edit.availability_ratio is not None:
        # In the graph as edited so far: what was cut before is not inherited any more.
        inherited = max(0.0, whole_hazard(_composed(model, draft, [place]), place) - own)
        wanted = hazard(1.0 - edit.availability_ratio)
        draft.service_hazard[place] = max(0.0, wanted - inherited)
        if inherited > wanted * (1.0 + _ROUNDING):
            short[at] = 1.0 - _failing(inherited)


def _change_edge(
    model: GraphReliability, draft: _Draft, edge: int, edit: Soften | MakeAsync | Cut | AddFallback | AddCache
) -> None:
    match edit:
        case Soften():
            softened = pass_probability(edit.pass_through, draft.weight[edge])
            draft.probability[edge] = min(draft.probability[edge], softened)
        case MakeAsync() | Cut():
            draft.probability[edge] = 0.0
        case AddCache():
            share = model.pass_through.in_use[edge] if len(model.pass_through.in_use) else 1.0
            share = float(share) or declared_pass_through(model.edges[edge])
            before = pass_probability(share, draft.weight[edge])
            draft.weight[edge] *= 1.0 - edit.hit_ratio
            after = pass_probability(share, draft.weight[edge])
            draft.probability[edge] *= after / before if before > 0.0 else 0.0
        case AddFallback(fallback=None):
            draft.probability[edge] *= 1.0 - (edit.availability_ratio or 0.0)
        case AddFallback():
            standing_in = model.graph.index[edit.fallback or ""]
            draft.fallbacks.setdefault(edge, []).append((standing_in, 1.0))


def replicated(unavailability: float, edit: AddReplica) -> float:
    """Unavailability of k-of-n replicas that each fail so often; what they have in common strikes all of them.

    >>> [round(replicated(0.01, AddReplica("a", 2, required, 0.0)), 6) for required in (1, 2)]
    [0.0001, 0.0199]
    """
    common = edit.common_cause * unavailability
    alone = 1.0 - (1.0 - unavailability) / (1.0 - common) if common < 1.0 else 0.0
    most = edit.replicas - edit.required  # so many may fail
    tail = np.zeros(edit.replicas + 1)
    tail[0] = 1.0
    for _ in range(edit.replicas):
        moved = tail[:-1] * alone
        tail[1:] += moved
        tail[:-1] -= moved
    return float(common + (1.0 - common) * tail[most + 1 :].sum())


def _failing(own_hazard: float) -> float:
    return -float(np.expm1(-own_hazard))


def _contracted(model: GraphReliability, draft: _Draft) -> Contracted:
    """As the model's own, with the edited probabilities and the added groups."""
    index = model.graph.index
    calls: list[Call] = []
    groups: dict[tuple[object, ...], tuple[list[Call], int]] = {}
    for place, edge in enumerate(model.edges):
        caller = index[edge.caller]
        call = Call(caller, index[edge.dependency], draft.probability[place], edge_key(*edge.pair))
        if place in draft.fallbacks:
            others = [
                Call(caller, service, passed, edge_key(edge.caller, model.names[service], "fallback"))
                for service, passed in draft.fallbacks[place]
            ]
            groups["fallback", place] = ([call, *others], 1)
        elif edge.redundancy_group is None:
            calls.append(call)
        elif call.probability > 0.0 or model.probability[place] <= 0.0:  # a member that is cut is none any more
            members, required = groups.get((caller, edge.redundancy_group), ([], 1))
            groups[caller, edge.redundancy_group] = ([*members, call], max(required, edge.required or 1))
    return contract(len(model.graph.services), calls, list(groups.values()))


def _recomposed(
    model: GraphReliability,
    contracted: Contracted,
    members: list[list[int]],
    service_hazard: np.ndarray,
    below: Collection[int],
) -> Intrinsic:
    """Reach and groups from own failures that are given; common causes as learnt, where the group is old.

    Only for the components ``below``, closed under calls: rows of others stay empty.
    """
    size = len(contracted.calls)
    reach = ReachRows(size)
    own = np.array([float(service_hazard[services].sum()) for services in members])
    known = _known_causes(model)
    extra = np.zeros(size)
    causes: list[list[float]] = [[] for _ in range(size)]
    for component in reversed(contracted.order):
        if component not in below:
            continue
        fatal: list[ReachRow] = []
        for group in contracted.groups[component]:
            fatal.append(reach.fatal(group))
            cause = known.get(_services_of(group, members))
            if cause is None:
                cause = common_cause([_failing(float(own[call.dependency])) for call in group.calls], None)[0]
            causes[component].append(cause)
            extra[component] += _several(group, fatal[-1], reach, own + extra, cause)
        reach.fill(component, contracted.calls[component], fatal)
    return Intrinsic(own, extra, reach, service_hazard, causes, model.intrinsic.assumed_causes)


def _known_causes(model: GraphReliability) -> dict[frozenset[int], float]:
    found: dict[frozenset[int], float] = {}
    for component, groups in enumerate(model.contracted.groups):
        for group, cause in zip(groups, model.intrinsic.causes[component], strict=True):
            found[_services_of(group, model.members)] = cause
    return found


def _services_of(group: Group, members: Sequence[Sequence[int]]) -> frozenset[int]:
    return frozenset(service for call in group.calls for service in members[call.dependency])


def _several(group: Group, fatal: ReachRow, reach: ReachRows, hazards: np.ndarray, cause: float) -> float:
    """Hazard that several members fail at once, by themselves or by their common cause."""
    shared = fatal.dot(hazards) + hazard(cause)
    tail = np.zeros(group.fatal + 1)
    tail[0] = 1.0
    for call in group.calls:
        fails = call.probability * -np.expm1(-reach[call.dependency].dot(hazards))
        alone = -np.expm1(-max(0.0, hazard(float(fails)) - shared))
        moved = tail[:-1] * alone
        tail[1:] += moved
        tail[:-1] -= moved
    return hazard(float(tail[-1])) + hazard(cause)
