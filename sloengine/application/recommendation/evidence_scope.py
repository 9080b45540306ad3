"""What has to be read to answer for some services, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sloengine.application.ports.sli_history import Watermark
from sloengine.application.recommendation.evidence import LearntPriors, surroundings
from sloengine.application.recommendation.surrounding_series import below
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.other_callers import OtherCallers
from sloengine.domain.topology.pass_through_finding import PassThroughFinding


@dataclass(frozen=True)
class Scope:
    """What has to be read to answer for some services.

    ``graph``: those asked for, what they call, and who else calls that. ``asked``: those whose own latency is
    needed, and that of the services they wait for, to explain theirs. ``inner``: those asked for and what they
    call, where the series of all others are summed up while they are read; None: they are kept.
    ``is_whole``: the whole graph, kept for the next ones. ``only_below``: of a part, nothing is learnt of services
    that none of those asked for leads to.
    """

    graph: DependencyGraph
    service_ids: tuple[str, ...]
    asked: tuple[str, ...]
    is_whole: bool
    inner: DependencyGraph | None = None
    only_below: bool = False

    @property
    def is_kept_apart(self) -> bool:
        """Whether all series are read for this answer alone, each by itself."""
        return not self.is_whole and self.inner is None

    @property
    def kept(self) -> tuple[str, ...]:
        """Services whose series are kept while an answer is worked out."""
        return self.service_ids if self.inner is None else tuple(one.service_id for one in self.inner.services)


@dataclass(frozen=True)
class Stored:
    """What was read of a scope as of an hour, before anything is worked out from it.

    ``graph``: whose series are kept. ``others``: callers beside it, summed up.
    """

    scope: Scope
    as_of: datetime
    graph: DependencyGraph
    others: OtherCallers | None
    watermark: Watermark
    promises: Mapping[str, float]
    changes: Mapping[tuple[str, SliType], BehaviourChange]
    panel: SliPanel
    priors: LearntPriors
    latency: Mapping[str, LatencyHistory]
    edges: EdgePanel | None
    findings: Mapping[tuple[str, str], PassThroughFinding]


def scope_around(graph: DependencyGraph, asked: tuple[str, ...], summed_from: int) -> Scope:
    """These services and their surroundings, as a part of the graph.

    ``summed_from``: services around them from which on other callers' series are summed up.
    """
    around = sorted(surroundings(graph, asked))
    part = graph.subgraph(around)
    inner = below(part, asked) if len(around) >= summed_from else None
    return Scope(part, tuple(around), asked, is_whole=False, inner=inner)
