"""Alerts of cycles as clients read them."""

from __future__ import annotations

from datetime import datetime
from itertools import batched
from typing import Self

import strawberry
from strawberry import relay

from sloengine.api.context import Info
from sloengine.api.topology.enums import AlertStatus
from sloengine.api.topology.types import Supernode
from sloengine.domain.topology import ingestion as ingestion_model

_MEMBERS_AT_ONCE = 100
"""More cycles than one would have to have shared them out before a second look is needed."""


@strawberry.type(description="One line of an alert's history.")
class AlertChange:
    """A change of an alert."""

    at: datetime = strawberry.field(description="When.")
    status: AlertStatus = strawberry.field(description="Where the alert stood after it.")
    by: str | None = strawberry.field(description="Who; null: the engine, because the cycle changed.")
    text: str = strawberry.field(description="What happened, or the note that was left.")

    @classmethod
    def from_domain(cls, change: ingestion_model.AlertChange) -> AlertChange:
        """The line as clients read it."""
        return cls(at=change.at, status=change.status, by=change.by, text=change.text)


@strawberry.type(description="A cycle that somebody should look at. Resolves itself when the cycle is gone.")
class CircularDependencyAlert(relay.Node):
    """An alert."""

    alert_id: strawberry.Private[str]
    member_ids: strawberry.Private[tuple[str, ...]]
    supernode_id: strawberry.Private[str | None]
    status: AlertStatus = strawberry.field(description="Where it stands.")
    cycle_path: list[str] = strawberry.field(
        description="Service ids along a shortest cycle, the first one repeated at the end."
    )
    detected_at: datetime = strawberry.field(description="When the cycle was first seen.")
    updated_by: str | None = strawberry.field(description="Who last changed the alert; null: nobody yet.")
    note: str | None = strawberry.field(description="What they had to say.")
    resolved_at: datetime | None = strawberry.field(description="When it was resolved.")
    history: list[AlertChange] = strawberry.field(
        description="What happened to it, oldest first: seen, grown, acknowledged, resolved; 200 lines at most."
    )

    @strawberry.field(description="The cycle as it is now; null: it is gone.")
    async def supernode(self, info: Info) -> Supernode | None:
        """Found through the members, loaded with all others; the first few nearly always tell."""
        if self.supernode_id is None:
            return None
        loader = info.context.topology.supernode_by_service
        for some in batched(self.member_ids, _MEMBERS_AT_ONCE):
            for found in await loader.load_many(some):
                if found is not None and found.supernode_id == self.supernode_id:
                    return Supernode.from_domain(found)
        return None

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.alert_id

    @classmethod
    def from_domain(cls, alert: ingestion_model.CircularDependencyAlert) -> CircularDependencyAlert:
        """The alert as clients read it."""
        return cls(
            alert_id=alert.alert_id,
            member_ids=alert.members,
            supernode_id=alert.supernode_id,
            status=alert.status,
            cycle_path=list(alert.cycle_path),
            detected_at=alert.detected_at,
            updated_by=alert.updated_by,
            note=alert.note,
            resolved_at=alert.resolved_at,
            history=[AlertChange.from_domain(change) for change in alert.history],
        )
