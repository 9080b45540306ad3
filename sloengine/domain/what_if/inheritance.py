"""What reaches a service before and after edits: factors by source, and what comes anew.

The service's own telemetry holds what it inherited under the old graph. So its future is not composed again from
nothing: each source of what it inherits is scaled by how much of its failure still reaches the service, what comes
from services that did not reach it before is added, and its own failures change only where an edit says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.topology.bound_parts import hazards_beyond
from sloengine.domain.topology.bound_promises import promised
from sloengine.domain.topology.bound_system import BoundSystem, bound_system, depths
from sloengine.domain.topology.composition import solve
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.inherited_failure import source_nodes


@dataclass(frozen=True)
class ChangedInheritance:
    """``by_source``: how often each source still reaches the root (1: as often), in the order of
    ``InheritedFailure.sources``. ``added``: hazard from services that did not reach it before. ``own``: factor on
    its own hazard, in [0, 1]; ``grown``: hazard that it fails by itself beyond that, at any time, not more often
    on the days on which it did.
    """

    by_source: tuple[float, ...]
    added: float
    own: float
    grown: float = 0.0

    @property
    def is_none(self) -> bool:
        """Nothing changes for this service."""
        return self.anew == 0.0 and self.own == 1.0 and all(factor == 1.0 for factor in self.by_source)

    @property
    def anew(self) -> float:
        """Hazard that was not there before, whoever brings it."""
        return self.added + self.grown

    def with_own(self, before: float, after: float) -> ChangedInheritance:
        """The same, its own hazard going from one value to another."""
        if before > 0.0 and np.isclose(after, before):
            return replace(self, own=1.0, grown=0.0)
        return replace(
            self,
            own=min(1.0, after / before) if before > 0.0 else 1.0,
            grown=max(0.0, after - before),
        )


@dataclass(frozen=True)
class _Below:
    """Unavailability that each service brings to a root, and how it is put together."""

    made: BoundSystem
    answer: ScenarioAnswer
    component: int
    mass: dict[int, float]


def changed_inheritance(
    before: GraphReliability, after: GraphReliability, root: str, *, max_depth: int, seed: int = 0
) -> ChangedInheritance:
    """Compare what reaches ``root`` in two models of the same services; ``max_depth`` calls solved as a set."""
    position = before.graph.index[root]
    old, new = _below(before, position, max_depth, seed), _below(after, position, max_depth, seed)
    factors: list[float] = []
    named: set[int] = set()
    added = 0.0
    for node in source_nodes(old.made, old.answer, old.component):
        services = [s for c in old.made.stands_for.get(node, (node,)) for s in before.members[c]]
        was = sum(old.mass.get(service, 0.0) for service in services)
        now = sum(new.mass.get(service, 0.0) for service in services)
        factors.append(1.0 if was <= 0.0 or np.isclose(now, was, rtol=1e-9, atol=0.0) else now / was)
        added += now if was <= 0.0 else 0.0  # what never failed has nothing to be scaled
        named.update(services)
    added += sum(mass for service, mass in new.mass.items() if service not in named and service not in old.mass)
    change = ChangedInheritance(by_source=tuple(factors), added=added, own=1.0)
    return change.with_own(own_hazard(before, root), own_hazard(after, root))


def promised_after(
    after: GraphReliability,
    root: str,
    own_part: float,
    promises: Mapping[str, float],
    *,
    max_depth: int,
    seed: int = 0,
) -> float | None:
    """The bound on promises in the edited world, the root failing so often by itself; None: nobody promised."""
    position = after.graph.index[root]
    component = after.contracted.labels[position]
    depth = depths(after, component, max_depth)
    return promised(after, position, component, depth, own_part, promises, seed)


def own_hazard(model: GraphReliability, root: str) -> float:
    """What the service, with those it forms a cycle with, fails by itself."""
    return float(model.intrinsic.own_hazard[model.contracted.labels[model.graph.index[root]]])


def _below(model: GraphReliability, position: int, max_depth: int, seed: int) -> _Below:
    component = model.contracted.labels[position]
    depth = depths(model, component, max_depth)
    made = bound_system(model, component, depth, model.own_unavailability, joint=True)
    answer = solve(made.system, seed=seed)
    mass: dict[int, float] = {}
    for node, part in answer.share.items():
        if node != component:
            alone = answer.reach.get(node, 0.0) * made.system.unavailability[node]
            standing = made.stands_for.get(node, (node,))
            for one in standing:  # what fails the root only together with others has its share of that
                _spread(model, one, (alone if alone > 0.0 else part) / len(standing), mass)
    beyond = hazards_beyond(model, component, depth)
    for node in np.flatnonzero(beyond).tolist():
        _spread(model, node, float(beyond[node]), mass)
    return _Below(made, answer, component, mass)


def _spread(model: GraphReliability, component: int, part: float, mass: dict[int, float]) -> None:
    services = model.members[component]
    hazards = model.intrinsic.service_hazard[services]
    whole = float(hazards.sum())
    for service, own in zip(services, hazards.tolist(), strict=True):
        share = own / whole if whole > 0.0 else 1.0 / len(services)
        if part * share > 0.0:
            mass[service] = mass.get(service, 0.0) + part * share
