"""The organisation as a whole, and how well promises hold in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from sloengine.api.enums import SliType
from sloengine.domain.accuracy import points
from sloengine.domain.accuracy.record import CalibrationRecord


@strawberry.type(
    description="Of past windows promised with one probability, the share that held. All shares in [0, 1]."
)
class CalibrationPoint:
    """One point of the calibration plot."""

    sli_type: SliType = strawberry.field(description="What was promised.")
    promised: float = strawberry.field(description="P(met) as it would have been promised at the time.")
    attained: float = strawberry.field(description="Share of these windows that held.")
    low: float = strawberry.field(
        description="Chance alone puts the attained share between `low` and `high` in 95 % of cases, were the "
        "promise exactly right. Windows that overlap or share incidents count for fewer."
    )
    high: float = strawberry.field(description="See `low`.")
    windows: int = strawberry.field(description="Finished windows looked at.")

    @classmethod
    def from_domain(cls, point: points.CalibrationPoint) -> CalibrationPoint:
        """The point as clients read it."""
        return cls(
            sli_type=point.sli_type,
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
    calibration: list[CalibrationPoint] = strawberry.field(
        description="How well promises have held, from a weekly look back at finished windows, per SLI type and "
        "promise ascending; empty until 58 days of history are there."
    )
    computed_at: datetime | None = strawberry.field(
        description="When `calibration` was last worked out; null: never yet."
    )

    @classmethod
    def from_domain(
        cls, services: int, with_active_slo: int, records: Sequence[CalibrationRecord]
    ) -> Organization:
        """From the records of the SLI types."""
        return cls(
            services=services,
            with_active_slo=with_active_slo,
            calibration=[CalibrationPoint.from_domain(point) for record in records for point in record.points],
            computed_at=max((record.computed_at for record in records), default=None),
        )
