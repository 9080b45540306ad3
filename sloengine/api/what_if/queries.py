"""Questions about graphs that nobody has built yet."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow
from sloengine.api.what_if.inputs import GraphEditInput
from sloengine.api.what_if.types import WhatIfResult
from sloengine.application.what_if.explore_edits import ExploreEditsCommand


@strawberry.type
class WhatIfQueries:
    """Fields of ``Query``."""

    @strawberry.field(
        description="What the services in focus could promise, before and after edits of the graph, and what each "
        "edit alone gains in budget minutes. The engine is the one that recommends; nothing is stored."
    )
    async def what_if(
        self,
        info: Info,
        edits: Annotated[list[GraphEditInput], strawberry.argument(description="1 to 20, made in this order.")],
        focus: Annotated[list[str], strawberry.argument(description="`serviceId`s, 1 to 20.")],
        window: Annotated[
            ComplianceWindow, strawberry.argument(description="The window that targets and minutes speak of.")
        ] = ComplianceWindow.ROLLING_28D,
    ) -> WhatIfResult:
        """Asked of the engine twice."""
        made = [edit.to_domain("edits", str(place)) for place, edit in enumerate(edits)]
        found = await info.context.use_cases.explore_edits(
            ExploreEditsCommand(made, focus, window), actor=info.context.actor
        )
        return WhatIfResult.from_domain(found)
