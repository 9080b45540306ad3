"""What can be asked about journeys."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.inputs import page_request
from sloengine.api.journeys.types import Journey


@strawberry.type
class JourneyQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="Journeys by name.")
    async def journeys(
        self,
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[Journey]:
        """One page, cut by the store."""
        request = page_request(first, after)
        page = await info.context.use_cases.read_journeys.page(request)
        return Connection.of(page, request, Journey.from_domain)

    @strawberry.field(description="A journey by its name; null: there is none.")
    async def journey(
        self, info: Info, name: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Journey | None:
        """As it was saved."""
        found = (await info.context.use_cases.read_journeys.by_name([name])).get(name)
        return None if found is None else Journey.from_domain(found)
