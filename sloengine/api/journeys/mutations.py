"""What can be done with journeys."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.deletion import DeleteInput, DeletePayload
from sloengine.api.inputs import given_or, stored_id
from sloengine.api.journeys.types import Journey
from sloengine.api.problems import UserError, or_user_errors
from sloengine.application.journeys.save_journeys import SaveJourneyCommand, path_in_list
from sloengine.application.ports.paging import MAX_PAGE_SIZE
from sloengine.domain.errors import Invalid
from sloengine.domain.journeys import model


@strawberry.input(description="A way that a share of the journey's requests takes.")
class JourneyRouteInput:
    """A route."""

    name: str = strawberry.field(description="Unlike the other routes'.")
    weight: float = strawberry.field(description="Share of the requests, relative to the other routes; above 0.")
    services: list[str] = strawberry.field(description="Service ids that its requests pass; 500 at most.")


@strawberry.input(description="A journey under its name; one of the same name is replaced.")
class JourneyInput:
    """A journey."""

    name: str = strawberry.field(description="1 to 253 characters.")
    entry_points: list[str] = strawberry.field(description="Ids of services that its requests reach first.")
    routes: list[JourneyRouteInput] | None = strawberry.field(
        default=strawberry.UNSET,
        description="100 at most; left out: all that the entry points call, by call weights.",
    )


@strawberry.type(description="What came of it.")
class SaveJourneyPayload:
    """The journey."""

    journey: Journey | None = strawberry.field(description="As it is stored; null: it was not.", default=None)
    user_errors: list[UserError] = strawberry.field(
        description="What you can mend; empty: it is done.", default_factory=list
    )


@strawberry.input(description="Several journeys, saved together.")
class SaveJourneysInput:
    """Journeys."""

    journeys: list[JourneyInput] = strawberry.field(description="1 to 200, no two of the same name.")


@strawberry.type(description="What came of it: all journeys are saved, or none.")
class SaveJourneysPayload:
    """The journeys."""

    journeys: list[Journey] = strawberry.field(description="As they are stored.", default_factory=list)
    user_errors: list[UserError] = strawberry.field(
        description="Everything to mend, with the journey's place in `path`; empty: it is done.",
        default_factory=list,
    )


@strawberry.type
class JourneyMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(
        description="Save several journeys, all or none. sre_admin; service_owner where all entry points are own "
        "teams' services."
    )
    async def save_journeys(
        self,
        info: Info,
        input: Annotated[SaveJourneysInput, strawberry.argument(description="The journeys.")],  # noqa: A002
    ) -> SaveJourneysPayload:
        """Checked together and stored in one transaction."""

        async def save() -> SaveJourneysPayload:
            if not 1 <= len(input.journeys) <= MAX_PAGE_SIZE:
                raise Invalid(f"give 1 to {MAX_PAGE_SIZE} journeys", path=("input", "journeys"))
            outcome = await info.context.use_cases.save_journeys(
                [_command(one) for one in input.journeys], actor=info.context.actor
            )
            errors = [
                UserError(code=one.error.code, message=one.error.message, path=list(path_in_list(one)))
                for one in outcome.refused
            ]
            return SaveJourneysPayload(
                journeys=[Journey.from_domain(one) for one in outcome.saved], user_errors=errors
            )

        return await or_user_errors(save(), SaveJourneysPayload)

    @strawberry.mutation(
        description="Save a journey. sre_admin; service_owner where all entry points are own teams' services."
    )
    async def save_journey(
        self,
        info: Info,
        input: Annotated[JourneyInput, strawberry.argument(description="The journey.")],  # noqa: A002
    ) -> SaveJourneyPayload:
        """Checked and stored."""

        async def save() -> SaveJourneyPayload:
            command = _command(input)
            journey = await info.context.use_cases.save_journey(command, actor=info.context.actor)
            return SaveJourneyPayload(journey=Journey.from_domain(journey))

        return await or_user_errors(save(), SaveJourneyPayload)

    @strawberry.mutation(
        description="Delete a journey. sre_admin; service_owner where all entry points are own teams' services."
    )
    async def delete_journey(
        self,
        info: Info,
        input: Annotated[DeleteInput, strawberry.argument(description="Which one.")],  # noqa: A002
    ) -> DeletePayload:
        """Gone with its routes."""

        async def delete() -> DeletePayload:
            journey_id = stored_id(input.id, "Journey", "input", "id")
            await info.context.use_cases.delete_journey(journey_id, actor=info.context.actor)
            return DeletePayload(deleted_id=input.id)

        return await or_user_errors(delete(), DeletePayload)


def _command(given: JourneyInput) -> SaveJourneyCommand:
    return SaveJourneyCommand(
        given.name,
        given.entry_points,
        [
            model.JourneyRoute(route.name, route.weight, tuple(route.services))
            for route in given_or(given.routes, [])
        ],
    )
