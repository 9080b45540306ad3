"""The organisation as a whole, and how well promises hold in it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import ObjectiveKind, SliType
from sloengine.api.topology.types import Service
from sloengine.application.accuracy.read_organization import OrganizationState
from sloengine.domain.accuracy import points


@strawberry.type(
    description="Of past windows promised with one probability, the share that held. All shares in [0, 1]."
)
class CalibrationPoint:
    """One point of the calibration plot."""

    sli_type: SliType = strawberry.field(description="What was promised.")
    kind: ObjectiveKind = strawberry.field(
        description="Which number of it: latency's two percentiles have points, and a calibration map, each."
    )
    promised: float = strawberry.field(description="P(met) as it would have been promised at the time.")
    attained: float = strawberry.field(description="Share of these windows that held.")
    low: float = strawberry.field(
        description="Chance alone puts the attained share between `low` and `high` in 95 % of cases, were the "
        "promise exactly right. Windows that overlap or share incidents count for fewer; while all lie in one "
        "stretch of two lengths of a window, nothing tells chance from a fault, and this is 0 to 1."
    )
    high: float = strawberry.field(description="See `low`.")
    windows: int = strawberry.field(description="Finished windows looked at.")

    @classmethod
    def from_domain(cls, point: points.CalibrationPoint) -> CalibrationPoint:
        """The point as clients read it."""
        return cls(
            sli_type=point.sli_type,
            kind=point.kind,
            promised=point.promised,
            attained=point.attained,
            low=point.low,
            high=point.high,
            windows=point.windows,
        )


@strawberry.type(description="The organisation as a whole.")
class Organization:
    """What is known of all services together."""

    services: int = strawberry.field(description="Services in the graph, external ones too.")
    with_active_slo: int = strawberry.field(description="Services that have an active SLO of any type.")
    with_recommendation: int = strawberry.field(
        description="Services whose newest answer is a recommendation, of any type."
    )
    budget_exhausted: int = strawberry.field(
        description="Services that have spent the error budget of an active SLO, as noted within the last hour."
    )
    budget_at_risk: int = strawberry.field(
        description="Other services with an active SLO whose budget the forecast says will probably run out."
    )
    acceptance_rate: float | None = strawberry.field(
        description="Of the recommendations decided on, the share accepted as they were; null: none was decided."
    )
    modification_rate: float | None = strawberry.field(
        description="Of the recommendations decided on, the share accepted with other numbers; null: as above."
    )
    calibration: list[CalibrationPoint] = strawberry.field(
        description="How well promises have held, from a weekly look back at finished windows, per kind of "
        "objective and promise ascending; empty until 58 days of history are there."
    )
    calibrated_at: datetime | None = strawberry.field(
        description="When `calibration` was last worked out; null: never yet."
    )
    computed_at: datetime = strawberry.field(description="When the counts were taken.")
    risks: strawberry.Private[tuple[str, ...]]

    @strawberry.field(
        description="Services whose budget is exhausted or at risk, least budget left first, at most ten. "
        "`services(orderBy: BUDGET_REMAINING)` has all."
    )
    async def top_risks(self, info: Info) -> list[Service]:
        """Loaded together."""
        found = await info.context.topology.service_by_id.load_many(self.risks)
        return [Service.from_domain(service) for service in found if service is not None]

    @classmethod
    def from_domain(cls, state: OrganizationState) -> Organization:
        """From what the use case read."""
        seen = state.overview
        return cls(
            services=seen.services,
            with_active_slo=seen.with_active_slo,
            with_recommendation=seen.with_recommendation,
            budget_exhausted=seen.budget_exhausted,
            budget_at_risk=seen.budget_at_risk,
            acceptance_rate=seen.acceptance_rate,
            modification_rate=seen.modification_rate,
            calibration=[
                CalibrationPoint.from_domain(point) for record in state.calibration for point in record.points
            ],
            calibrated_at=state.calibrated_at,
            computed_at=state.computed_at,
            risks=seen.top_risks,
        )
