"""What recommendations are computed from: values only, the same offline and online."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.other_callers import OtherCallers
from sloengine.domain.topology.pass_through_finding import PassThroughFinding

DEPTH = 3
"""Calls away from a service that its bound looks at; what lies beyond is in the observed values of the rim."""


@dataclass(frozen=True)
class LearntPriors:
    """What the organisation's services have in common, per SLI type.

    ``own_maps``: what its own finished windows have taught; without one the shipped map is in force.
    """

    availability: OrganizationPrior
    latency: LatencyPrior
    own_maps: Mapping[ObjectiveKind, CalibrationMap] = field(default_factory=dict)

    @classmethod
    def shipped(cls) -> LearntPriors:
        """Of an organisation nobody has seen yet."""
        return cls(OrganizationPrior.shipped(), LatencyPrior.shipped())

    def with_archetypes(self, archetypes: Archetypes) -> LearntPriors:
        """The same histories, told apart by these kinds."""
        return replace(
            self,
            availability=self.availability.with_archetypes(archetypes),
            latency=self.latency.with_archetypes(archetypes),
        )

    @property
    def digest(self) -> str:
        """Changes with anything in them."""
        maps = hashlib.sha256(repr(sorted(self.own_maps.items())).encode()).hexdigest()
        return f"{self.availability.digest}-{self.latency.digest}-{maps}"

    def calibrated(self, settings: EngineSettings) -> EngineSettings:
        """The settings with the maps in force; without own ones, those that the settings have stay."""
        return settings.with_own_maps(self.own_maps) if self.own_maps else settings


@dataclass(frozen=True)
class Evidence:
    """All inputs of recommendations as of one hour.

    ``graph``: at least the services asked for, what they call up to three calls away, and the callers of all
    these; ``panel``: their availability. ``asked``: services that answers are wanted for; None: any of the graph.
    ``older``: a year of those that the panel has too few days of.
    ``latency``: at least of the services asked for and of those that they wait for. ``promises``:
    availability ratio of the active SLO per service. ``refused``: services whose series the telemetry source did
    not give, and why. ``throttled``: share of periods in which CPU was withheld, where that is known.
    ``traced_p99``: what traces say of services without a histogram. ``changes``:
    confirmed changes of behaviour that targets have to take care of. ``source``: what telemetry comes from, for
    the provenance. ``graph_version`` None: the graph comes from a file. ``findings``: what was found of edges'
    pass-through and still stands; of the others it is learnt. ``others``: callers that the graph lacks, by what
    they ask of its services.
    """

    as_of: datetime
    graph: DependencyGraph
    panel: SliPanel
    priors: LearntPriors
    asked: tuple[str, ...] | None = None
    latency: Mapping[str, LatencyHistory] = field(default_factory=dict)
    edges: EdgePanel | None = None
    older: SliPanel | None = None
    promises: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    throttled: Mapping[str, float] = field(default_factory=dict)
    traced_p99: Mapping[str, PercentileRange] = field(default_factory=dict)
    source: str | None = None
    changes: Mapping[tuple[str, SliType], BehaviourChange] = field(default_factory=dict)
    graph_version: int | None = None
    findings: Mapping[tuple[str, str], PassThroughFinding] = field(default_factory=dict)
    others: OtherCallers | None = None


def surroundings(graph: DependencyGraph, service_ids: Sequence[str]) -> set[str]:
    """The services, what they call up to three calls away, and the direct callers of all these.

    Callers are needed to tell whose failed calls a dependency's failures were.
    """
    near = graph.distances(service_ids, DEPTH)
    callers = {
        edge.caller
        for service_id in near
        for edge in graph.edges_by_dependency.get(service_id, ())
        if not edge.is_stale
    }
    return {*near, *callers}


def promises_of(active: Mapping[str, Slo]) -> dict[str, float]:
    """Availability ratio per service that has promised one."""
    return {
        service_id: target.availability_ratio
        for service_id, slo in active.items()
        for target in slo.targets
        if target.availability_ratio is not None
    }
