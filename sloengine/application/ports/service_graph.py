"""The merged dependency graph: read it, and write claims into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph, Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert, RejectedItem
from sloengine.domain.topology.pass_through_finding import PassThroughFinding
from sloengine.domain.topology.service import Criticality, Service

NOTHING_REPEATED: Mapping[tuple[str, str], datetime] = MappingProxyType({})


class ServiceOrder(StrEnum):
    """Sort keys of the services list."""

    SERVICE_ID = "SERVICE_ID"
    CRITICALITY = "CRITICALITY"
    BLAST_RADIUS = "BLAST_RADIUS"
    BUDGET_REMAINING = "BUDGET_REMAINING"


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """None: not asked. ``search`` matches id and name, case-insensitively."""

    search: str | None = None
    team: str | None = None
    criticality: tuple[Criticality, ...] | None = None
    external: bool | None = None
    has_active_slo: bool | None = None
    in_cycle: bool | None = None


@dataclass(frozen=True, slots=True)
class ClaimCounts:
    """What one batch of writes did."""

    services_created: int = 0
    edges_created: int = 0
    edges_updated: int = 0
    edges_removed: int = 0


@dataclass(frozen=True, slots=True)
class GraphStanding:
    """The graph version, how many supernodes are stored, and whether the condensation is behind the merged graph.

    ``is_reshaped``: services or dependencies that are not stale have come or gone since it was last written, by
    whatever process, whether or not that one is still alive.
    """

    version: int
    supernodes: int
    is_reshaped: bool


@dataclass(frozen=True, slots=True)
class GraphShape:
    """Who is there and who calls whom: all that condensing needs.

    ``pairs``: (caller, dependency) of dependencies that are not stale. ``supernodes``: as last condensed.
    """

    service_ids: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    supernodes: Sequence[Supernode]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Services around some roots, the edges among them (claims left out), and the cycles that they are in.

    ``truncated``: cut at the limit of edges. All of it is of one graph version.
    """

    services: Sequence[Service]
    dependencies: Sequence[Dependency]
    supernodes: Sequence[Supernode]
    graph_version: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class RegisteredServices:
    """The services that were taken, as they stand then, and the rows that were not."""

    services: Sequence[Service]
    rejected: Sequence[RejectedItem] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PassThroughStanding:
    """``revision``: another one with everything that is noted; None: nothing was. ``void_before``: see port."""

    revision: str | None
    void_before: datetime | None


class ServiceGraph(Protocol):
    """The merged graph, its claims, supernodes and alerts. Writes are transactional per call."""

    async def version(self) -> int:
        """The graph version: moves whenever the merged graph changes."""
        ...

    async def standing(self) -> GraphStanding:
        """The version, and whether the condensation has to be written anew."""
        ...

    async def move_version(self, *, changed: bool, now: datetime, ingestion_id: str | None = None) -> int:
        """The graph version then in force, which has moved when ``changed`` or when a batch noted a change.

        That it has gets ``GraphChanged`` in the outbox, in the same transaction, with the ingestion it is due to.
        """
        ...

    async def snapshot(self, *, anew: bool = False) -> DependencyGraph:
        """The whole merged graph (services, dependencies without their claims, supernodes).

        Kept per process and checked against ``version`` at each use; confidence and the time of the last
        observation, which move without the version, may be an hour old. ``anew``: as it is now, with what was
        written since the version last moved; for those who are about to move it.
        """
        ...

    async def shape(self) -> GraphShape:
        """Services and live dependencies as they are now, read anew; nothing that is said of them."""
        ...

    async def services(self, service_ids: Sequence[str]) -> Mapping[str, Service]:
        """These services; unknown ids are absent."""
        ...

    async def services_by_entity_ref(self, entity_refs: Sequence[str]) -> Mapping[str, Service]:
        """By Backstage entity ref, compared lower-cased."""
        ...

    async def page_of_services(
        self, wanted: ServiceFilter, order: ServiceOrder, page: PageRequest
    ) -> Page[Service]:
        """One page of the services."""
        ...

    async def dependencies_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges out of each of these services, with their claims; one query for all."""
        ...

    async def callers_of(
        self, service_ids: Sequence[str], *, include_stale: bool = False
    ) -> Mapping[str, Sequence[Dependency]]:
        """Edges into each of these services, with their claims; one query for all."""
        ...

    async def neighbourhood(
        self, roots: Sequence[str], *, depth: int, towards_callers: bool, include_stale: bool, limit: int
    ) -> Neighbourhood:
        """Services within ``depth`` calls of the roots and at most ``limit`` of the edges among them.

        Roots that the graph does not know are left out.
        """
        ...

    async def register(self, services: Sequence[Service], *, now: datetime) -> Sequence[Service]:
        """Create or update services as a person states them: ``discovered`` becomes False.

        None leaves a value as it is. The graph version moves when anything changed.
        """
        ...

    async def register_once(
        self, stated: RegisteredServices, request: KeyedRequest, *, now: datetime
    ) -> RegisteredServices:
        """As ``register``, the first time this request comes; the first answer every time after that.

        ``stated``: what is to be written, and what else the answer says. Writing and answer are one transaction.
        Raises ``IdempotencyMismatch`` when the key was used with another body.
        """
        ...

    async def note_budgets(self, remaining: Mapping[str, float | None]) -> None:
        """Keep what is left of the error budgets of these services, for ``ServiceOrder.BUDGET_REMAINING``.

        1 untouched, negative when overspent; None: not known, which sorts last. The graph version stays.
        """
        ...

    async def note_pass_through(
        self,
        pairs: Sequence[tuple[str, str]],
        findings: Mapping[tuple[str, str], PassThroughFinding],
    ) -> None:
        """Keep on these edges what was found of how much of the dependency's failure reaches the caller.

        Pairs that are not in ``findings`` keep none; pairs without an edge are left out. It is no claim: merging
        leaves it, and the graph version stays. The standing's revision moves.
        """
        ...

    async def void_pass_through(self, *, at: datetime) -> None:
        """Findings learnt up to then no longer count: telemetry they were learnt from was written anew."""
        ...

    async def pass_through_standing(self) -> PassThroughStanding:
        """Which findings are stored, and from when on they count."""
        ...

    async def pass_through_findings(self, callers: Sequence[str]) -> Mapping[tuple[str, str], PassThroughFinding]:
        """What was found of these callers' edges; those that nobody has looked at are absent."""
        ...

    async def measured_pass_through(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Estimate]:
        """What was kept of these edges; those without evidence are absent."""
        ...

    async def claims_between(
        self, pairs: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Sequence[DependencyClaim]]:
        """All claims on these (caller, dependency) pairs."""
        ...

    async def pairs_claimed_by(
        self, source: DiscoverySource, callers: Sequence[str] | None
    ) -> Sequence[tuple[str, str]]:
        """Pairs that this source claims, of these callers or (None) of all."""
        ...

    async def listed_at(self, source: DiscoverySource, callers: Sequence[str]) -> Mapping[str, datetime]:
        """As of when this source last listed all that it knows of each of these callers; others are absent."""
        ...

    async def note_listing(self, source: DiscoverySource, callers: Sequence[str] | None, *, at: datetime) -> None:
        """Keep that as of then the source listed all it knows of these callers, or (None) of all.

        Of two the later one stands.
        """
        ...

    async def write_batch(
        self,
        *,
        ingestion_id: str,
        services: Sequence[Service],
        claims: Sequence[DependencyClaim],
        merged: Sequence[Dependency],
        withdrawn: Sequence[tuple[str, str, DiscoverySource]],
        removed: Sequence[tuple[str, str]],
        now: datetime,
        repeated: Mapping[tuple[str, str], datetime] = NOTHING_REPEATED,
    ) -> ClaimCounts:
        """Write services, claims and the merged edges of one batch in one transaction; safe to run twice.

        Endpoints that nobody stated become services with ``discovered`` True. Counts are those of
        this ingestion so far, over all its batches and runs; an edge counts as updated when what it says of the
        call has changed, not when it was merely seen again. Keep batches to a few thousand edges.
        Each claim's pair is among ``merged``: a claim makes an edge.
        ``repeated``: pairs whose one claim in this batch, and whose edge, say what is stored of them but for times
        and the edge's confidence; and when that claim was last seen as stored. Those that turn out to be others
        are written whole.
        """
        ...

    async def write_condensation(
        self,
        *,
        supernodes: Sequence[Supernode],
        edges: Sequence[tuple[str, str]],
        alerts: Sequence[CircularDependencyAlert],
        changed: bool,
        now: datetime,
        ingestion_id: str | None = None,
    ) -> int:
        """Replace supernodes and condensation edges and upsert alerts in one transaction.

        An alert that is new gets ``CircularDependencyDetected`` in the outbox, in the same transaction and once.
        Raises ``Conflict``, having written nothing, when one of the alerts was changed since it was read: its
        stored ``revision`` is not the one before.
        Edges go from component id to component id; a lone service's id stands for itself. The graph version
        moves when ``changed``, as in ``move_version``; the version then in force is returned.
        """
        ...

    async def alerts(self, status: AlertStatus | None, page: PageRequest) -> Page[CircularDependencyAlert]:
        """Circular-dependency alerts, newest first."""
        ...

    async def alerts_by_id(self, alert_ids: Sequence[str]) -> Mapping[str, CircularDependencyAlert]:
        """These alerts; unknown ids are absent."""
        ...

    async def supernodes_of(self, service_ids: Sequence[str]) -> Mapping[str, Supernode]:
        """The supernode that each of these services is in; services in none are absent."""
        ...

    async def set_alert_status(
        self, alert_id: str, status: AlertStatus, *, note: str | None, actor: str, now: datetime
    ) -> CircularDependencyAlert | None:
        """Change an alert; None when it does not exist."""
        ...
