"""What reaches a service from those it calls, source by source, as a solved bound found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p
from typing import NamedTuple

import numpy as np

from sloengine.domain.topology.bound_system import BoundSystem
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard


class FailureSource(NamedTuple):
    """A component whose failure reaches the root.

    ``service_id``: the service that speaks for it. ``phi``: probability that its failure reaches the root.
    ``own``: its unavailability, ``part`` of what that service showed. ``unwatched``: that service has no telemetry
    of its own.
    """

    service_id: str
    phi: float
    own: float
    part: float
    unwatched: bool

    @property
    def hazard(self) -> float:
        """Mean hazard that reaches the root."""
        return -log1p(-min(self.phi * self.own, 1.0 - 1e-12))


@dataclass(frozen=True)
class InheritedFailure:
    """What reaches a root, source by source.

    ``others``: hazard of what is not listed; negative where failures overlap in time. ``own_part``: the root's own
    unavailability, ``own_of_shown`` of what it showed. ``shown``: None, if it has no telemetry. ``observed``: the
    bound's unavailability on observed behaviour. ``requests``: the root's.
    """

    root: str
    sources: tuple[FailureSource, ...]
    others: float
    own_part: float
    own_of_shown: float
    shown: float | None
    observed: float
    requests: float

    @cached_property
    def hazards(self) -> list[float]:
        """Mean hazard that reaches the root, by source."""
        return [source.hazard for source in self.sources]

    @cached_property
    def source_hazard(self) -> float:
        """Their sum."""
        return sum(self.hazards)

    @property
    def shares(self) -> list[float]:
        """Part in [0, 1] of the root's failure that each source is to answer for; the rest is the root's own."""
        listed = self.hazards
        whole = sum(listed) + self.others + hazard(self.own_part)
        scale = (sum(listed) + self.others) / sum(listed) if sum(listed) > 0.0 else 0.0
        return [part * scale / whole if whole > 0.0 else 0.0 for part in listed]

    def scaled(self, factors: Sequence[float]) -> InheritedFailure:
        """The root in a world where each source's failure reaches it so many times as often (0: never).

        Its own failure stays; what it showed, and what was observed of the whole, lose or gain in proportion.
        """
        if all(factor == 1.0 for factor in factors):
            return self
        before = self.hazards
        sources = tuple(
            source if factor == 1.0 else source._replace(phi=min(1.0, source.phi * factor))
            for source, factor in zip(self.sources, factors, strict=True)
        )
        changed = replace(self, sources=sources)
        kept = changed.source_hazard / sum(before) if sum(before) > 0.0 else 1.0
        own = hazard(self.own_part)

        def less(unavailability: float) -> float:
            return -float(np.expm1(-(own + kept * max(0.0, hazard(unavailability) - own))))

        shown = None if self.shown is None else less(self.shown)
        return replace(
            changed,
            others=self.others * kept,
            shown=shown,
            own_of_shown=min(1.0, self.own_part / shown) if shown else 1.0,
            observed=less(self.observed),
        )

    def with_own(self, own_part: float) -> InheritedFailure:
        """The same below a root whose own failure is another."""
        before, after = hazard(self.own_part), hazard(own_part)

        def moved(unavailability: float) -> float:
            return -float(np.expm1(-(after + max(0.0, hazard(unavailability) - before))))

        shown = None if self.shown is None else moved(self.shown)
        return replace(
            self,
            own_part=own_part,
            own_of_shown=min(1.0, own_part / shown) if shown else 1.0,
            shown=shown,
            observed=moved(self.observed),
        )

    def with_more(self, added: float) -> InheritedFailure:
        """The same, reached by so much hazard more from elsewhere."""

        def more(unavailability: float) -> float:
            return -float(np.expm1(-(hazard(unavailability) + added)))

        shown = None if self.shown is None else more(self.shown)
        return replace(
            self,
            others=self.others + added,
            shown=shown,
            own_of_shown=min(1.0, self.own_part / shown) if shown else 1.0,
            observed=more(self.observed),
        )

    @classmethod
    def of(
        cls,
        model: GraphReliability,
        position: int,
        component: int,
        made: BoundSystem,
        answer: ScenarioAnswer,
        *,
        own_part: float,
        inherited: float,
        observed: float,
        shares: Mapping[int, float] | None = None,
    ) -> InheritedFailure:
        """Take from a solved bound what draws need.

        ``shares``: of the root's failures by service, as traced; a source then reaches the root as often as it was
        seen to, not as often as composition says. None: there is no trace.
        """
        names = model.names
        sources: list[FailureSource] = []
        listed = 0.0
        nodes = source_nodes(made, answer, component)
        speak_for = {
            node: [s for member in made.stands_for.get(node, (node,)) for s in model.members[member]]
            for node in nodes
        }
        reach = {node: answer.reach[node] for node in nodes}
        if shares is not None:
            below = 1.0 - shares.get(position, 0.0)
            scale = hazard(inherited) / below if below > 0.0 else 0.0
            reach = _as_traced(reach, made, speak_for, {s: share * scale for s, share in shares.items()})
        for node in nodes:
            own, services = made.system.unavailability[node], speak_for[node]
            known = [s for s in services if np.isfinite(model.shown[s])]
            # The one that showed most speaks for a cycle, and for what several names have in common.
            speaker = max(known, key=lambda s: (model.shown[s], -s), default=services[0])
            whole = float(model.shown[speaker]) if known else 0.0
            sources.append(
                FailureSource(
                    names[speaker],
                    reach[node],
                    own,
                    part=min(1.0, own / whole) if whole > 0.0 else 1.0,
                    unwatched=speaker in model.published or speaker in model.seen_by_callers,
                )
            )
            listed -= float(np.log1p(-min(reach[node] * own, 1.0 - 1e-12)))
        shown = float(model.shown[position])
        known_root = bool(np.isfinite(shown))
        return cls(
            root=names[position],
            sources=tuple(sources),
            others=hazard(inherited) - listed,
            own_part=own_part,
            own_of_shown=min(1.0, own_part / shown) if known_root and shown > 0.0 else 1.0,
            shown=shown if known_root else None,
            observed=observed,
            requests=float(model.requests[position]),
        )


def _as_traced(
    reach: Mapping[int, float],
    made: BoundSystem,
    speak_for: Mapping[int, Sequence[int]],
    brought: Mapping[int, float],
) -> dict[int, float]:
    """How often each source reaches the root, so that the sources of a service bring what it was seen to.

    ``brought``: hazard by service.
    """
    composed: dict[int, float] = {}
    for node, services in speak_for.items():
        for service in services:
            part = hazard(reach[node] * made.system.unavailability[node]) / len(services)
            composed[service] = composed.get(service, 0.0) + part
    found: dict[int, float] = {}
    for node, services in speak_for.items():
        own = made.system.unavailability[node]
        part = hazard(reach[node] * own) / len(services)
        seen = sum(part * brought.get(service, 0.0) / composed[service] for service in services)
        found[node] = min(1.0, -float(np.expm1(-seen)) / own)
    return found


def source_nodes(made: BoundSystem, answer: ScenarioAnswer, component: int) -> list[int]:
    """Components whose failure reaches the root, in the order of ``InheritedFailure.sources``."""
    return [
        node
        for node, phi in answer.reach.items()
        if node != component and phi > 0.0 and made.system.unavailability[node] > 0.0
    ]
