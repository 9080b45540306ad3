"""Questions about objectives."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ComplianceWindow, ObjectiveKind
from sloengine.api.governance.mutations import TargetInput
from sloengine.api.inputs import given_or
from sloengine.api.recommendation.targets import Backtest
from sloengine.application.recommendation.backtest_objective import BacktestCommand


@strawberry.input(
    description="A number over a window: availabilityPercent for AVAILABILITY, thresholdMs for latency."
)
class ObjectiveInput:
    """Any objective, recommended or not."""

    kind: ObjectiveKind = strawberry.field(description="The number that is promised.")
    availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="In percent, above 0 and below 100."
    )
    threshold_ms: float | None = strawberry.field(
        default=strawberry.UNSET, description="In milliseconds, above 0."
    )
    window: ComplianceWindow | None = strawberry.field(
        default=ComplianceWindow.ROLLING_28D, description="The window it is judged over."
    )

    def to_command(self, service_id: str) -> BacktestCommand:
        """The replay of this objective."""
        target = TargetInput(
            kind=self.kind, availability_percent=self.availability_percent, threshold_ms=self.threshold_ms
        )
        return BacktestCommand(
            service_id,
            [target.to_domain("objective")],
            given_or(self.window, ComplianceWindow.ROLLING_28D),
        )


@strawberry.type
class RecommendationQueries:
    """Part of the root."""

    @strawberry.field(
        description="Would this objective have held in the past? Any objective, recommended or not, over up to 90 "
        "days of what is stored. null: not a single request on record."
    )
    async def backtest(
        self,
        info: Info,
        service_id: Annotated[str, strawberry.argument(description="`serviceId` of the service.")],
        objective: Annotated[ObjectiveInput, strawberry.argument(description="What to replay.")],
    ) -> Backtest | None:
        """Replay it."""
        (found,) = await info.context.use_cases.backtest_objective(objective.to_command(service_id))
        return None if found is None else Backtest.from_domain(found)
