"""Each dependency's share of a bound: by how failure composes, where no trace of what happened says it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from sloengine.domain.recommendation.model import BoundContribution, OtherContributions
from sloengine.domain.topology.bound_parts import hazards_beyond
from sloengine.domain.topology.bound_system import BoundSystem
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard

#: At most this many dependencies are listed, those with the largest share; the rest is told as one.
CONTRIBUTIONS = 50
_SMALLEST_SHARE = 1e-6
# Room for rounding when one unavailability is held against a tenth of another.
_TOLERANCE = 1e-12


def composed_shares(
    model: GraphReliability,
    made: BoundSystem,
    answer: ScenarioAnswer,
    component: int,
    position: int,
    own_part: float,
    inherited: float,
    beyond: float,
) -> dict[int, float]:
    """Share of the root's unavailability by service, the root's own included; they add up to 1."""
    own_hazard, below_hazard = hazard(own_part), hazard(inherited)
    if own_hazard + below_hazard <= 0.0:
        return {}
    by_component: dict[int, float] = {}
    for node, part in answer.share.items():
        for member in made.stands_for.get(node, (node,)):
            by_component[member] = by_component.get(member, 0.0) + part / len(made.stands_for.get(node, (node,)))
    if beyond > 0.0:
        below = hazards_beyond(model, component, made.depth)
        for node in np.flatnonzero(below).tolist():
            by_component[node] = by_component.get(node, 0.0) + float(below[node])
    by_component.pop(component, None)
    whole = sum(by_component.values())
    scale = below_hazard / (own_hazard + below_hazard) / whole if whole > 0.0 else 0.0
    shares: dict[int, float] = {}
    for node, part in by_component.items():
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


def with_excess(shares: Mapping[int, float], shown: float, limit: float, worst: int) -> Mapping[int, float]:
    """Shares of a bound below what the root showed: what was not seen and is not disproved is one dependency's."""
    if limit <= shown:
        return shares
    scaled = {service: share * shown / limit for service, share in shares.items()}
    scaled[worst] = scaled.get(worst, 0.0) + 1.0 - shown / limit
    return scaled


def contributions(
    model: GraphReliability,
    shares: Mapping[int, float],
    observed: float,
    position: int,
    window: timedelta,
    promises: Mapping[str, float],
) -> tuple[tuple[BoundContribution, ...], OtherContributions | None]:
    """What is shown of each dependency, the largest share first, and of all others together.

    The root itself is none of them: its own share is what they leave.
    """
    root = model.graph.services[position].service_id
    minutes = observed * window / timedelta(minutes=1)
    shown = float(model.shown[position])
    allowed = (shown if np.isfinite(shown) else observed) / 10.0 + _TOLERANCE
    ordered = sorted(
        ((share, service) for service, share in shares.items() if service != position and share > 0.0),
        key=lambda pair: (-pair[0], pair[1]),
    )
    listed = [pair for pair in ordered[:CONTRIBUTIONS] if pair[0] > _SMALLEST_SHARE]
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
    return tuple(found), _others([share for share, _ in ordered[len(listed) :]], minutes)


def _others(shares: Sequence[float], minutes: float) -> OtherContributions | None:
    whole = math.fsum(shares)
    return OtherContributions(len(shares), whole, whole * minutes) if shares else None
