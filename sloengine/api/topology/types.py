"""Services, dependencies and supernodes as clients read them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from sloengine.api.connections import Connection, cut
from sloengine.api.context import Info
from sloengine.api.drift.types import ServiceDrift
from sloengine.api.forecast.types import ServiceForecast
from sloengine.api.governance.types import ServiceDecisions
from sloengine.api.inputs import page_request
from sloengine.api.recommendation.targets import Estimate
from sloengine.api.recommendation.types import ServiceRecommendations
from sloengine.api.telemetry.types import ServiceTelemetry
from sloengine.api.topology.centrality import Centrality
from sloengine.api.topology.enums import Criticality, DependencyCriticality, DependencyMode, DiscoverySource
from sloengine.api.topology.references import service_link
from sloengine.domain.topology import dependency as dependency_model
from sloengine.domain.topology import graph as graph_model
from sloengine.domain.topology import service as service_model

IncludeStale = Annotated[
    bool | None, strawberry.argument(description="Also those that no source has seen for its time to live.")
]
First = Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")]
After = Annotated[str | None, strawberry.argument(description="Cursor to go on behind.")]


@strawberry.type(description="One source's statement that a caller depends on a service.")
class DependencyClaim:
    """A claim."""

    source: DiscoverySource = strawberry.field(description="Who says so.")
    confidence: float = strawberry.field(description="How sure it is, 0 to 1, before age is taken into account.")
    first_seen_at: datetime = strawberry.field(description="When it first said so.")
    last_seen_at: datetime = strawberry.field(description="When it last said so.")

    @classmethod
    def from_domain(cls, claim: dependency_model.DependencyClaim) -> DependencyClaim:
        """The claim as clients read it."""
        return cls(
            source=claim.source,
            confidence=claim.confidence,
            first_seen_at=claim.first_seen_at,
            last_seen_at=claim.last_seen_at,
        )


@strawberry.type(
    description="An edge of the graph: the merge of what all sources claim about one caller and dependency."
)
class Dependency:
    """A merged dependency."""

    caller_id: strawberry.Private[str]
    dependency_id: strawberry.Private[str]
    known_claims: strawberry.Private[Sequence[dependency_model.DependencyClaim]]
    caller = service_link("caller_id", "Who calls.")
    dependency = service_link("dependency_id", "What is called.")
    mode: DependencyMode = strawberry.field(description="Does the caller wait for the answer?")
    criticality: DependencyCriticality = strawberry.field(
        description="What a failure of the dependency does to the caller's request."
    )
    assumed: list[str] = strawberry.field(
        description="Names of attributes that no source stated and a default filled."
    )
    protocol: str | None = strawberry.field(description="Such as http, grpc, kafka.")
    timeout_ms: int | None = strawberry.field(description="The caller's timeout in milliseconds.")
    retry_config: JSON | None = strawberry.field(
        description="How the caller retries, as its source states it; the bound reads `attempts`, "
        "how often a call is tried in all, the first try among them."
    )
    call_weight: float | None = strawberry.field(
        description="Calls per request of the caller, above 1 is normal; null: not known, treated as 1."
    )
    redundancy_group: str | None = strawberry.field(
        description="Dependencies of a caller with the same group stand in for each other."
    )
    required: int | None = strawberry.field(description="How many members of the group the caller needs.")
    confidence: float = strawberry.field(
        description="That the dependency is there, from all claims and their age, 0 to 1."
    )
    is_stale: bool = strawberry.field(description="No source has seen it for its time to live.")
    last_observed_at: datetime | None = strawberry.field(description="When any source last saw it.")

    @strawberry.field(description="What each source says.")
    async def claims(self, info: Info) -> list[DependencyClaim]:
        """An edge has one at least; where they were left out, they are read with all others."""
        claims = self.known_claims or await info.context.topology.claims_by_pair.load(
            (self.caller_id, self.dependency_id)
        )
        return [DependencyClaim.from_domain(claim) for claim in claims or ()]

    @strawberry.field(
        description="Share of the dependency's failure that reaches the caller, 0 to 1, as measured daily over the"
        " last 90 days; null: not enough evidence."
    )
    async def measured_pass_through(self, info: Info) -> Estimate | None:
        """Read for all edges of the request in one query."""
        found = await info.context.topology.pass_through_by_pair.load((self.caller_id, self.dependency_id))
        return None if found is None else Estimate.from_domain(found)

    @classmethod
    def from_domain(cls, edge: dependency_model.Dependency) -> Dependency:
        """The edge as clients read it."""
        return cls(
            caller_id=edge.caller,
            dependency_id=edge.dependency,
            known_claims=edge.claims,
            mode=edge.mode,
            criticality=edge.criticality,
            assumed=list(edge.assumed),
            protocol=edge.protocol,
            timeout_ms=edge.timeout_ms,
            retry_config=None if edge.retry_config is None else JSON(dict(edge.retry_config)),
            call_weight=edge.call_weight,
            redundancy_group=edge.redundancy_group,
            required=edge.required,
            confidence=edge.confidence,
            is_stale=edge.is_stale,
            last_observed_at=edge.last_observed_at,
        )


@strawberry.type(description="Services that call each other in a circle: computed with as one component.")
class Supernode(relay.Node):
    """A strongly connected component of two or more services."""

    member_ids: strawberry.Private[tuple[str, ...]]
    cycle_path: list[str] = strawberry.field(
        description="Service ids along a shortest cycle, the first one repeated at the end."
    )

    member_count: int = strawberry.field(description="How many services are in it.")

    @strawberry.field(
        description="Services in it, by id: 20 unless `first` says otherwise. `memberCount` has how many there "
        "are; the rest comes behind the last one seen."
    )
    async def members(
        self,
        info: Info,
        first: First = 20,
        after: Annotated[
            str | None, strawberry.argument(description="`serviceId` to go on behind.")
        ] = strawberry.UNSET,
    ) -> list[Service]:
        """Loaded with all others: a cycle may be as large as the graph."""
        request = page_request(first, after)
        start = 0 if request.after is None else bisect_right(self.member_ids, request.after)
        asked_for = self.member_ids[start : start + request.first]
        found = await info.context.topology.service_by_id.load_many(asked_for)
        return [Service.from_domain(service) for service in found if service is not None]

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The first member: whoever asks again gets the component that it is in by then."""
        return root.member_ids[0]

    @classmethod
    def from_domain(cls, supernode: graph_model.Supernode) -> Supernode:
        """The component as clients read it."""
        return cls(
            member_ids=supernode.members,
            cycle_path=list(supernode.cycle_path),
            member_count=len(supernode.members),
        )


@strawberry.type(
    description="A service, a queue, a database or an external provider: whatever calls or is called."
)
class Service(
    ServiceTelemetry, ServiceRecommendations, ServiceDecisions, ServiceDrift, ServiceForecast, relay.Node
):
    """A service."""

    service_id: str = strawberry.field(description="The organisation's own name for it, 1 to 253 characters.")
    name: str | None = strawberry.field(description="For people; null: nobody gave one.")
    entity_ref: str | None = strawberry.field(description="Backstage entity, such as component:default/checkout.")
    team: str | None = strawberry.field(description="Who owns it; null: nobody said.")
    criticality: Criticality | None = strawberry.field(
        description="How much the organisation suffers when it is down; null: nobody said."
    )
    external: bool = strawberry.field(description="Run by somebody else, such as a payment provider.")
    discovered: bool = strawberry.field(
        description="true: seen in telemetry or a platform, not registered by a person."
    )
    metadata: JSON = strawberry.field(description="Whatever else was stated about it.")

    @strawberry.field(description="What it calls, by service id.")
    async def dependencies(
        self, info: Info, include_stale: IncludeStale = False, first: First = 50, after: After = strawberry.UNSET
    ) -> Connection[Dependency]:
        """Read for all services of the request in one query."""
        request = page_request(first, after)
        edges = await info.context.topology.dependencies_by_caller.load((self.service_id, bool(include_stale)))
        page = cut(edges or (), request, key=lambda edge: edge.dependency)
        return Connection.of(page, request, Dependency.from_domain)

    @strawberry.field(description="What calls it, by service id.")
    async def callers(
        self, info: Info, include_stale: IncludeStale = False, first: First = 50, after: After = strawberry.UNSET
    ) -> Connection[Dependency]:
        """Read for all services of the request in one query."""
        request = page_request(first, after)
        edges = await info.context.topology.callers_by_dependency.load((self.service_id, bool(include_stale)))
        page = cut(edges or (), request, key=lambda edge: edge.caller)
        return Connection.of(page, request, Dependency.from_domain)

    @strawberry.field(description="The cycle it is in; null: none.")
    async def supernode(self, info: Info) -> Supernode | None:
        """Loaded with all others."""
        found = await info.context.topology.supernode_by_service.load(self.service_id)
        return None if found is None else Supernode.from_domain(found)

    @strawberry.field(description="What its place in the graph says of it; null: not worked out yet.")
    async def centrality(self, info: Info) -> Centrality | None:
        """Loaded with all others."""
        found = await info.context.topology.centrality_by_service.load(self.service_id)
        return None if found is None else Centrality.from_domain(found)

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The service id."""
        return root.service_id

    @classmethod
    def from_domain(cls, service: service_model.Service) -> Service:
        """The service as clients read it."""
        return cls(
            service_id=service.service_id,
            name=service.name,
            entity_ref=service.entity_ref,
            team=service.team,
            criticality=service.criticality,
            external=service.external,
            discovered=service.discovered,
            metadata=JSON(dict(service.metadata)),
        )

    @classmethod
    def identified(cls, service_id: str) -> Service:
        """A service of which no more than the id is asked: other fields are not there, rather than made up."""
        service = cls.__new__(cls)
        service.service_id = service_id
        return service


@strawberry.type(description="The merged graph around some services.")
class DependencyGraph:
    """A neighbourhood."""

    services: list[Service] = strawberry.field(description="The roots and what is within reach.")
    dependencies: list[Dependency] = strawberry.field(description="Edges among these services, 10,000 at most.")
    supernodes: list[Supernode] = strawberry.field(description="Cycles that any of these services is in.")
    graph_version: int = strawberry.field(description="Moves whenever the merged graph changes.")
    truncated: bool = strawberry.field(
        description="true: there are more edges than the limit; ask with less depth."
    )
