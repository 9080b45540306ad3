"""What recommendations are computed from, read once for all services asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.telemetry.aggregate_telemetry import DAY, floor_to
from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.topology.graph import DependencyGraph

DEPTH = 3
"""Calls away from a service that its bound looks at; what lies beyond is in the observed values of the rim."""
WHOLE_GRAPH_FROM = 50
"""From so many services on, everything is read at once and kept: bulk work asks for all of it anyway."""


@dataclass(frozen=True)
class Evidence:
    """All inputs of recommendations as of one hour. Values only: the same offline and online.

    ``graph``: at least the services asked for, what they call up to three calls away, and the callers of all
    these. ``promises``: availability ratio of the active SLO per service. ``refused``: services whose series the
    telemetry source did not give, and why. ``source``: what telemetry comes from, for the provenance.
    """

    as_of: datetime
    graph: DependencyGraph
    panel: SliPanel
    latency: Mapping[str, LatencyHistory]
    edges: EdgePanel | None
    prior: OrganizationPrior
    promises: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    graph_version: int | None = None


@dataclass(slots=True)
class GraphSnapshots:
    """The merged graph as this process has it, checked against the version at each use."""

    graph: ServiceGraph
    _known: DependencyGraph | None = field(default=None, init=False)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def current(self) -> DependencyGraph:
        """The graph at the version in force."""
        version = await self.graph.version()
        if self._known is None or self._known.version != version:
            async with self._loading:
                if self._known is None or self._known.version != version:
                    self._known = await self.graph.snapshot()
        return self._known


@dataclass(slots=True)
class Priors:
    """The organisation's prior as this process has it, looked at again after a minute."""

    store: PriorStore
    trusted_for: timedelta = timedelta(minutes=1)
    _known: tuple[datetime, OrganizationPrior] | None = field(default=None, init=False)

    async def current(self, now: datetime) -> OrganizationPrior:
        """The newest learnt prior, else the shipped one."""
        if self._known is None or not timedelta() <= now - self._known[0] < self.trusted_for:
            self._known = (now, await self._load())
        return self._known[1]

    async def _load(self) -> OrganizationPrior:
        stored = await self.store.load(SliType.AVAILABILITY)
        if stored is None:
            return OrganizationPrior.shipped()
        try:
            return OrganizationPrior.from_dict(stored[0])
        except ValueError:
            # Another version wrote it; the next aggregation learns it anew.
            return OrganizationPrior.shipped()


@dataclass(slots=True)
class EvidenceReader:
    """Reads evidence; whole panels for bulk work are kept until graph or telemetry move on."""

    snapshots: GraphSnapshots
    history: SliHistory
    ledger: SloLedger
    priors: Priors
    lookback_days: int = 90
    _whole: tuple[object, Evidence] | None = field(default=None, init=False)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def read(
        self,
        service_ids: Sequence[str],
        *,
        as_of: datetime,
        now: datetime,
        sli_types: Sequence[SliType],
        refused: Mapping[str, str],
        source: str | None,
    ) -> Evidence:
        """Evidence for these services as of an hour."""
        graph = await self.snapshots.current()
        prior = await self.priors.current(now)
        if len(service_ids) < WHOLE_GRAPH_FROM:
            around = sorted(surroundings(graph, service_ids))
            return await self._read(
                graph.subgraph(around), around, service_ids, prior, as_of, sli_types, refused, source
            )
        key = (graph.version, as_of, prior.digest, tuple(sli_types))
        async with self._reading:
            if self._whole is None or self._whole[0] != key:
                every = [service.service_id for service in graph.services]
                evidence = await self._read(graph, every, every, prior, as_of, sli_types, refused, source)
                self._whole = (key, evidence)
            return self._whole[1]

    async def _read(
        self,
        graph: DependencyGraph,
        around: Sequence[str],
        service_ids: Sequence[str],
        prior: OrganizationPrior,
        as_of: datetime,
        sli_types: Sequence[SliType],
        refused: Mapping[str, str],
        source: str | None,
    ) -> Evidence:
        from_at = as_of - self.lookback_days * DAY
        panel = await self.history.read(around, from_at, as_of)
        pairs = [edge.pair for edge in graph.dependencies]
        edges = await self.history.read_edges(pairs, from_at, as_of) if pairs else None
        latency: Mapping[str, LatencyHistory] = {}
        if SliType.LATENCY in sli_types:
            latency = await self.history.read_latency(service_ids, floor_to(from_at, DAY), floor_to(as_of, DAY))
        active = await self.ledger.active(around, SliType.AVAILABILITY)
        return Evidence(
            as_of=as_of,
            graph=graph,
            panel=panel,
            latency=latency,
            edges=edges,
            prior=prior,
            promises=promises_of(active),
            refused=refused,
            source=source,
            graph_version=graph.version,
        )


def surroundings(graph: DependencyGraph, service_ids: Sequence[str]) -> set[str]:
    """The services, what they call up to three calls away, and the direct callers of those they call.

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
