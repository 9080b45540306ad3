"""What can be subscribed to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.events.shown import shown_events
from sloengine.api.events.types import EngineEvent
from sloengine.api.inputs import given
from sloengine.application.events.follow_events import FollowEventsCommand
from sloengine.application.events.wanted import MAX_NAMED, TOLD_KINDS
from sloengine.application.events.wanted import EventFilter as AskedEvents


@strawberry.input(description="Only events that match all that is given.")
class EventFilter:
    """Conditions."""

    types: list[str] | None = strawberry.field(
        default=strawberry.UNSET, description=f"Any of these: {', '.join(TOLD_KINDS)}."
    )
    service_ids: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"About any of these services, at most {MAX_NAMED['serviceIds']}. A cycle is about each of "
        "its members. What is about no service is left out.",
    )
    teams: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"About services of any of these teams, at most {MAX_NAMED['teams']}, by the team a service "
        "has when it is told.",
    )

    def asked(self) -> AskedEvents:
        """The use case's conditions."""
        return AskedEvents(_tuple(self.types), _tuple(self.service_ids), _tuple(self.teams))


@strawberry.type(description="What can be followed, over a WebSocket (`graphql-transport-ws`).")
class Subscription:
    """Root of subscriptions."""

    @strawberry.subscription(
        description="All that happens, filtered, in the order of `id`. `after` resumes behind the last id seen, "
        "so that nothing is missed and nothing comes twice; events are kept for a week. Without it: from now on."
    )
    async def events(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002  (the API's word)
            EventFilter | None, strawberry.argument(description="Only these.")
        ] = strawberry.UNSET,
        after: Annotated[
            strawberry.ID | None, strawberry.argument(description="`id` of the last event seen.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[EngineEvent]:
        """Each batch that is ready is loaded together, then told one by one."""
        wanted = given(filter)
        command = FollowEventsCommand(AskedEvents() if wanted is None else wanted.asked(), given(after))
        batches = await info.context.use_cases.follow_events(command)
        async with aclosing(batches):
            async for batch in batches:
                for event in await shown_events(batch, info.context):
                    yield event


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    found = given(values)
    return None if found is None else tuple(found)
