"""What can be asked about journeys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow
from sloengine.api.inputs import given, given_or, page_request
from sloengine.api.journeys.enums import JourneyExportFormat
from sloengine.api.journeys.exports import JourneyExport
from sloengine.api.journeys.types import Journey
from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.domain.errors import NotFound, TooLarge
from sloengine.domain.journeys import model
from sloengine.infrastructure.exports import export_definitions, export_openslo


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

    @strawberry.field(
        description="Journeys as YAML for version control: FILE is what `sloengine journeys save` reads, "
        "OPENSLO_V1 an OpenSLO document for each tier and target, computed now."
    )
    async def export_journeys(
        self,
        info: Info,
        format: Annotated[  # noqa: A002  (the API's word)
            JourneyExportFormat, strawberry.argument(description="What is written.")
        ],
        names: Annotated[
            list[str] | None,
            strawberry.argument(description="Names, 200 at most; left out: the first 200."),
        ] = strawberry.UNSET,
        window: Annotated[
            ComplianceWindow | None, strawberry.argument(description="The window of the tiers.")
        ] = ComplianceWindow.ROLLING_28D,
    ) -> JourneyExport:
        """Definitions are as they were saved."""
        found = await _chosen(info, given(names))
        if format is JourneyExportFormat.FILE:
            return JourneyExport.from_domain(export_definitions(found))
        wanted = given_or(window, ComplianceWindow.ROLLING_28D)
        answers = await info.context.use_cases.recommend_journeys(found, wanted)
        return JourneyExport.from_domain(await asyncio.to_thread(export_openslo, list(answers.values())))

    @strawberry.field(description="A journey by its name; null: there is none.")
    async def journey(
        self, info: Info, name: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Journey | None:
        """As it was saved."""
        found = (await info.context.use_cases.read_journeys.by_name([name])).get(name)
        return None if found is None else Journey.from_domain(found)


async def _chosen(info: Info, names: Sequence[str] | None) -> Sequence[model.Journey]:
    if names is None:
        return (await info.context.use_cases.read_journeys.page(PageRequest(first=MAX_PAGE_SIZE))).rows
    if len(names) > MAX_PAGE_SIZE:
        raise TooLarge(f"{len(names)} journeys; at most {MAX_PAGE_SIZE} are exported at once", path=("names",))
    found = await info.context.use_cases.read_journeys.by_name(names)
    for position, name in enumerate(names):
        if name not in found:
            raise NotFound(f"no journey {name!r}", path=("names", str(position)))
    return [found[name] for name in dict.fromkeys(names)]
