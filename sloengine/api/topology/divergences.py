"""Where declared and observed dependencies disagree, as clients read it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.inputs import page_request
from sloengine.api.topology.enums import DiscoverySource
from sloengine.api.topology.references import service_link
from sloengine.api.topology.types import After, First
from sloengine.domain.topology import divergence as model


@strawberry.type(
    description="A dependency that is declared and not observed, or the reverse. Gone when both agree."
)
class Divergence(relay.Node):
    """A disagreement of sources."""

    divergence_id: strawberry.Private[str]
    caller_id: strawberry.Private[str]
    dependency_id: strawberry.Private[str]
    caller = service_link("caller_id", "Who calls, or should.")
    dependency = service_link("dependency_id", "What is called, or should be.")
    declared_by: list[DiscoverySource] = strawberry.field(
        description="Sources whose declaration holds; empty: it is observed only."
    )
    observed_by: list[DiscoverySource] = strawberry.field(
        description="Sources that see it; empty: it is declared only, although calls of this caller are watched."
    )
    since: datetime = strawberry.field(description="From when on it has been so.")
    message: str = strawberry.field(description="What disagrees, and what to do about it.")

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.divergence_id

    @classmethod
    def from_domain(cls, one: model.Divergence) -> Divergence:
        """The divergence as clients read it."""
        return cls(
            divergence_id=one.divergence_id,
            caller_id=one.caller,
            dependency_id=one.dependency,
            declared_by=list(one.declared_by),
            observed_by=list(one.observed_by),
            since=one.since,
            message=one.message,
        )


@strawberry.type
class DivergenceQueries:
    """Fields of ``Query``."""

    @strawberry.field(
        description="Dependencies that are declared and not observed, or the reverse; youngest first."
    )
    async def divergences(
        self, info: Info, first: First = 50, after: After = strawberry.UNSET
    ) -> Connection[Divergence]:
        """One page, cut by the store."""
        request = page_request(first, after)
        page = await info.context.use_cases.read_divergences.page(request)
        return Connection.of(page, request, Divergence.from_domain)
