"""Questions about changes that nobody has made yet."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ObjectiveKind
from sloengine.api.governance.mutations import TargetInput
from sloengine.api.impact.types import ImpactAnalysis
from sloengine.api.inputs import given
from sloengine.application.impact.analyse_impact import AnalyseImpactCommand
from sloengine.domain.impact.model import SloChange


@strawberry.input(
    description="An objective that a service might promise: availabilityPercent for AVAILABILITY, thresholdMs for "
    "latency."
)
class SloChangeInput:
    """A proposed change."""

    service_id: str = strawberry.field(description="`serviceId` of the service.")
    kind: ObjectiveKind = strawberry.field(description="The number that changes.")
    availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="In percent, above 0 and below 100."
    )
    threshold_ms: float | None = strawberry.field(
        default=strawberry.UNSET, description="In milliseconds, above 0."
    )

    def to_domain(self, *path: str) -> SloChange:
        """The change with exactly the number that its kind needs."""
        target = TargetInput(
            kind=self.kind, availability_percent=self.availability_percent, threshold_ms=self.threshold_ms
        )
        return SloChange(self.service_id, target.to_domain(*path))


@strawberry.type
class ImpactQueries:
    """Fields of ``Query``."""

    @strawberry.field(
        description="Who is hurt if these objectives took the place of the present ones: every caller, directly "
        "or not, over cycles too, worst first, with a reason each and the teams to ask. Up to 50 changes at once; "
        "what shares a path is not summed."
    )
    async def impact_analysis(
        self,
        info: Info,
        changes: Annotated[list[SloChangeInput], strawberry.argument(description="1 to 50 proposed changes.")],
        max_depth: Annotated[
            int | None, strawberry.argument(description="Only callers within so many calls; null: any depth.")
        ] = strawberry.UNSET,
    ) -> ImpactAnalysis:
        """Worked out on the graph, telemetry and SLOs as they are now."""
        proposed = [change.to_domain("changes", str(place)) for place, change in enumerate(changes)]
        command = AnalyseImpactCommand(proposed, given(max_depth))
        found = await info.context.use_cases.analyse_impact(command, actor=info.context.actor)
        return ImpactAnalysis.from_domain(found, proposed)
