"""What can be asked about decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.governance.enums import AuditAction
from sloengine.api.governance.types import AuditEvent, AuditIntegrity, Viewer
from sloengine.api.inputs import given, page_request, utc
from sloengine.application.ports.slo_ledger import AuditFilter as StoredAuditFilter


@strawberry.input(description="Only entries that match all that is given.")
class AuditFilter:
    """Conditions."""

    service_id: str | None = strawberry.field(default=strawberry.UNSET, description="About this service.")
    actor: str | None = strawberry.field(default=strawberry.UNSET, description="Decided by this subject.")
    action: list[AuditAction] | None = strawberry.field(default=strawberry.UNSET, description="Any of these.")
    from_at: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="At or after; UTC if it has no offset."
    )
    to_at: datetime | None = strawberry.field(
        name="to", default=strawberry.UNSET, description="Before; UTC if it has no offset."
    )

    def stored(self) -> StoredAuditFilter:
        """The store's conditions."""
        actions = given(self.action)
        return StoredAuditFilter(
            service_id=given(self.service_id),
            actor=given(self.actor),
            actions=None if actions is None else tuple(actions),
            from_at=utc(self.from_at),
            to_at=utc(self.to_at),
        )


@strawberry.type
class GovernanceQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="Who am I, what may I do.")
    def viewer(self, info: Info) -> Viewer:
        """The actor of this request."""
        actor = info.context.actor
        return Viewer(actor=actor, subject=actor.subject, role=actor.role.value, teams=sorted(actor.teams))

    @strawberry.field(description="The audit trail, newest first.")
    async def audit_log(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002  (the API's word)
            AuditFilter | None, strawberry.argument(description="Only these.")
        ] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[AuditEvent]:
        """One page, cut by the store."""
        request = page_request(first, after)
        wanted = given(filter)
        page = await info.context.use_cases.read_ledger.audit(
            StoredAuditFilter() if wanted is None else wanted.stored(), request
        )
        return Connection.of(page, request, AuditEvent.from_domain)

    @strawberry.field(description="Recompute the audit trail's whole hash chain: is it as it was written?")
    async def audit_integrity(self, info: Info) -> AuditIntegrity:
        """Walks every entry."""
        integrity = await info.context.use_cases.read_ledger.verify()
        return AuditIntegrity(
            intact=integrity.intact,
            checked=integrity.checked,
            first_broken_sequence=integrity.first_broken_sequence,
            head_hash=integrity.head_hash,
        )
