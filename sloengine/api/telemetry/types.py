"""SLIs as clients read them, and the fields of a service that lead to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import SliType
from sloengine.api.inputs import given_or, utc
from sloengine.api.recommendation.targets import Interval
from sloengine.api.telemetry.enums import SliStep, SliWindow
from sloengine.application.telemetry import read_sli
from sloengine.domain.errors import Invalid


@strawberry.type(
    description="What a service did over a window: sums of stored events, never averages of ratios or "
    "percentiles. null is *no data*, which is neither 0 nor 100 %."
)
class Sli:
    """An SLI over a window."""

    good: float | None = strawberry.field(description="Requests that succeeded.")
    total: float | None = strawberry.field(description="Valid requests.")
    ratio: float | None = strawberry.field(description="good ÷ total, 0 to 1.")
    p50_ms: float | None = strawberry.field(description="Median latency in milliseconds.")
    p95_ms: float | None = strawberry.field(description="95th percentile of latency in milliseconds.")
    p99_ms: float | None = strawberry.field(description="99th percentile of latency in milliseconds.")
    completeness: float = strawberry.field(
        description="Share of the window that was seen, 0 to 1; a day in one row counts whole."
    )
    from_at: datetime = strawberry.field(name="from", description="Start of the window, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the window, excluded.")
    value: strawberry.Private[read_sli.SliValue]

    @strawberry.field(
        description="95 % interval of the long-run ratio, failures that come in bursts counted as such. null: "
        "latency, or so few independent hours that there is none."
    )
    def interval(self) -> Interval | None:
        """Worked out only when asked for."""
        found = self.value.interval()
        return None if found is None else Interval(low=found.low, high=found.high, level=found.level)

    @classmethod
    def from_domain(cls, value: read_sli.SliValue) -> Sli:
        """The value as clients read it."""
        return cls(
            value=value,
            good=value.good,
            total=value.total,
            ratio=value.ratio,
            p50_ms=value.p50_ms,
            p95_ms=value.p95_ms,
            p99_ms=value.p99_ms,
            completeness=value.completeness,
            from_at=value.from_at,
            to_at=value.to_at,
        )


@strawberry.type(description="One interval of a series. null is *no data*.")
class SliPoint:
    """A point of a series."""

    at: datetime = strawberry.field(description="Start of the interval.")
    good: float | None = strawberry.field(description="Requests that succeeded.")
    total: float | None = strawberry.field(description="Valid requests.")
    ratio: float | None = strawberry.field(description="good ÷ total, 0 to 1.")
    p50_ms: float | None = strawberry.field(description="Median latency in milliseconds.")
    p95_ms: float | None = strawberry.field(description="95th percentile of latency in milliseconds.")
    p99_ms: float | None = strawberry.field(description="99th percentile of latency in milliseconds.")

    @classmethod
    def from_domain(cls, point: read_sli.SliPoint) -> SliPoint:
        """The point as clients read it."""
        return cls(
            at=point.at,
            good=point.good,
            total=point.total,
            ratio=point.ratio,
            p50_ms=point.p50_ms,
            p95_ms=point.p95_ms,
            p99_ms=point.p99_ms,
        )


@strawberry.type
class ServiceTelemetry:
    """What a service did: fields of ``Service``."""

    service_id: str

    @strawberry.field(
        description="An SLI over a window that ends at the newest aggregated hour; null: no data at all."
    )
    async def sli(
        self,
        info: Info,
        sli_type: Annotated[SliType, strawberry.argument(name="type", description="What is measured.")],
        window: Annotated[SliWindow | None, strawberry.argument(description="Look-back.")] = SliWindow.LAST_28D,
    ) -> Sli | None:
        """Sums over the look-back."""
        option = (sli_type, given_or(window, SliWindow.LAST_28D))
        value = await info.context.telemetry.sli_by_service.load((self.service_id, option))
        return None if value is None else Sli.from_domain(value)

    @strawberry.field(
        description="An SLI interval by interval, oldest first; 5,000 points at most. Latency has daily points."
    )
    async def sli_series(
        self,
        info: Info,
        sli_type: Annotated[SliType, strawberry.argument(name="type", description="What is measured.")],
        from_at: Annotated[
            datetime, strawberry.argument(name="from", description="Start, included. UTC if no offset.")
        ],
        to_at: Annotated[datetime, strawberry.argument(name="to", description="End, excluded. UTC if no offset.")],
        step: Annotated[SliStep | None, strawberry.argument(description="Width of an interval.")] = SliStep.HOUR,
    ) -> list[SliPoint]:
        """The stored intervals."""
        start, end = utc(from_at), utc(to_at)
        if start is None or end is None or start >= end:
            raise Invalid("from must be before to", path=("from",))
        option = (sli_type, start, end, given_or(step, SliStep.HOUR))
        points = await info.context.telemetry.series_by_service.load((self.service_id, option))
        return [SliPoint.from_domain(point) for point in points or ()]
