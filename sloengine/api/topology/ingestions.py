"""Ingestions as clients read them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from strawberry import relay

from sloengine.api.context import Info
from sloengine.api.enums import JobStatus, UserErrorCode
from sloengine.api.topology.enums import DiscoverySource
from sloengine.domain.topology import ingestion as model


@strawberry.type(description="A row that was not taken; the others were.")
class RejectedItem:
    """A bad row."""

    index: int = strawberry.field(description="Position in the list it stood in, from 0.")
    path: str = strawberry.field(description="The list and field, such as dependencies.callWeight.")
    code: UserErrorCode = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="What is wrong, in words.")

    @classmethod
    def from_domain(cls, item: model.RejectedItem) -> RejectedItem:
        """The row as clients read it."""
        return cls(index=item.index, path=item.path, code=item.code, message=item.message)


@strawberry.type(description="One source's batch of services and dependencies on its way into the graph.")
class Ingestion(relay.Node):
    """An ingestion. Ask again by ``node(id:)`` until it is SUCCEEDED or FAILED."""

    ingestion_id: strawberry.Private[str]
    source: DiscoverySource = strawberry.field(description="Who states it.")
    status: JobStatus = strawberry.field(description="Where it stands.")
    progress: float = strawberry.field(description="0 to 1.")
    accepted: int = strawberry.field(description="Rows taken so far.")
    rejected: list[RejectedItem] = strawberry.field(description="Rows not taken, each with its reason.")
    warnings: list[str] = strawberry.field(description="What was taken but looks odd, in words.")
    services_created: int = strawberry.field(description="Services that were not in the graph before.")
    edges_created: int = strawberry.field(description="Dependencies that were not in the graph before.")
    edges_updated: int = strawberry.field(description="Dependencies that changed.")
    edges_removed: int = strawberry.field(description="Dependencies whose last claim was withdrawn.")
    cycles: int = strawberry.field(description="Cycles in the graph afterwards.")
    graph_version: int | None = strawberry.field(
        description="Version of the graph afterwards; null: not merged yet."
    )
    error: str | None = strawberry.field(description="Why it failed; null: it did not.")
    started_at: datetime | None = strawberry.field(description="When a worker took it up.")
    finished_at: datetime | None = strawberry.field(description="When it was done.")

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.ingestion_id

    @classmethod
    def from_domain(cls, ingestion: model.Ingestion) -> Ingestion:
        """The ingestion as clients read it."""
        return cls(
            ingestion_id=ingestion.ingestion_id,
            source=ingestion.source,
            status=ingestion.status,
            progress=ingestion.progress,
            accepted=ingestion.accepted,
            rejected=[RejectedItem.from_domain(item) for item in ingestion.rejected],
            warnings=list(ingestion.warnings),
            services_created=ingestion.services_created,
            edges_created=ingestion.edges_created,
            edges_updated=ingestion.edges_updated,
            edges_removed=ingestion.edges_removed,
            cycles=ingestion.cycles,
            graph_version=ingestion.graph_version,
            error=ingestion.error,
            started_at=ingestion.started_at,
            finished_at=ingestion.finished_at,
        )
