"""What recommendations are computed from: values only, the same offline and online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.topology.graph import DependencyGraph

DEPTH = 3
"""Calls away from a service that its bound looks at; what lies beyond is in the observed values of the rim."""


@dataclass(frozen=True)
class LearntPriors:
    """What the organisation's services have in common, per SLI type."""

    availability: OrganizationPrior
    latency: LatencyPrior

    @classmethod
    def shipped(cls) -> LearntPriors:
        """Of an organisation nobody has seen yet."""
        return cls(OrganizationPrior.shipped(), LatencyPrior.shipped())

    @property
    def digest(self) -> str:
        """Changes with anything in them."""
        return f"{self.availability.digest}-{self.latency.digest}"


@dataclass(frozen=True)
class Evidence:
    """All inputs of recommendations as of one hour.

    ``graph``: at least the services asked for, what they call up to three calls away, and the callers of all
    these; ``panel``: their availability. ``asked``: services that answers are wanted for; None: any of the graph.
    ``latency``: at least of the services asked for. ``promises``:
    availability ratio of the active SLO per service. ``refused``: services whose series the telemetry source did
    not give, and why. ``source``: what telemetry comes from, for the provenance. ``graph_version`` None: the graph
    comes from a file.
    """

    as_of: datetime
    graph: DependencyGraph
    panel: SliPanel
    priors: LearntPriors
    asked: tuple[str, ...] | None = None
    latency: Mapping[str, LatencyHistory] = field(default_factory=dict)
    edges: EdgePanel | None = None
    promises: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    graph_version: int | None = None


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
