"""What can be asked about drift."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.drift.types import DriftEvent
from sloengine.api.enums import SliType
from sloengine.api.inputs import given, page_request, utc
from sloengine.application.ports.drift_store import DriftFilter as StoredDriftFilter


@strawberry.input(description="Only events that match all that is given.")
class DriftFilter:
    """Conditions."""

    service_id: str | None = strawberry.field(default=strawberry.UNSET, description="Of this service.")
    sli_type: SliType | None = strawberry.field(default=strawberry.UNSET, description="What changed.")
    from_at: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="Detected at or after; UTC if it has no offset."
    )

    def stored(self) -> StoredDriftFilter:
        """The store's conditions."""
        return StoredDriftFilter(
            service_id=given(self.service_id), sli_type=given(self.sli_type), from_at=utc(self.from_at)
        )


@strawberry.type
class DriftQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="Confirmed changes of services' behaviour, newest first.")
    async def drift_events(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002  (the API's word)
            DriftFilter | None, strawberry.argument(description="Only these.")
        ] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[DriftEvent]:
        """One page, cut by the store."""
        request = page_request(first, after)
        wanted = given(filter)
        page = await info.context.use_cases.read_drift.page(
            StoredDriftFilter() if wanted is None else wanted.stored(), request
        )
        return Connection.of(page, request, DriftEvent.from_domain)
