"""Forecasts as clients read them, and the field of a service that leads to one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

from sloengine.api.context import Info
from sloengine.api.enums import SliType, describe
from sloengine.domain.forecast import forecast as model
from sloengine.domain.forecast.absent import NoForecast, NoForecastReason

describe(
    NoForecastReason,
    "NoForecastReason",
    "What stands against a forecast.",
    {
        "LATENCY": "Latency is not forecast.",
        "NO_SLO": "No active SLO: there is no budget.",
        "WINDOW": "Forecasts of this SLO's window have not been measured (7 days, a quarter).",
        "REFUSED": "The telemetry cannot be true.",
        "NO_REQUESTS": "No valid request in the newest 24 hours, or an SLO without a budget.",
        "SIMPLE_RULES": "Simple rules do nearly as well: a rolling window, calm, 1,500 requests a day or more.",
    },
)


@strawberry.type(
    description="A bound on how much of the error budget will have been spent: with `probability` no more than "
    "`consumedRatio` of it."
)
class ConsumedAtMost:
    """A quantile of the share of the budget that will have been spent."""

    probability: float = strawberry.field(
        description="That no more has been spent, now or at the end of any day up to `horizonEnd`, 0 to 1."
    )
    consumed_ratio: float = strawberry.field(description="Share of the budget, 0 to 1; above 1: overspent.")


@strawberry.type(description="How probably the error budget of the active SLO runs out.")
class Forecast:
    """A forecast of an error budget."""

    probability_budget_exhausted: float = strawberry.field(
        description="That more than the whole budget is spent at the end of any day up to `horizonEnd`, 0 to 1; "
        "1: it is spent already."
    )
    expected_exhaustion_at: datetime | None = strawberry.field(
        description="The first day's end by which that is as likely as not; null: it stays less likely."
    )
    horizon_end: datetime = strawberry.field(
        description="Seven days on for a rolling window; the end of a calendar window."
    )
    method: str = strawberry.field(
        description="How it was worked out, and on how many finished forecasts it rests."
    )
    consumed_ratio: float | None = strawberry.field(
        default=None,
        description="Share of the budget that is spent as the forecast is made; above 1: overspent. The budget of "
        "a calendar window is that of all requests expected until its end. null: in an event, which does not keep "
        "it.",
    )
    consumed_at_most: list[ConsumedAtMost] = strawberry.field(
        default_factory=list,
        description="How much of the budget will have been spent at most, now or at the end of any day up to "
        "`horizonEnd`: with probabilities of 0.5, 0.8, 0.9 and 0.95, rising, never below `consumedRatio`. Of a "
        "hundred bounds at 0.9 about ninety hold; at 0.5 more than fifty where probably nothing more fails. Above "
        "1 exactly where the budget lasts with less than that probability, by `probabilityBudgetExhausted`. "
        "Empty: the budget is spent already; in an event, which does not keep them.",
    )

    @classmethod
    def from_domain(cls, found: model.Forecast) -> Forecast:
        """The forecast as clients read it."""
        return cls(
            probability_budget_exhausted=found.probability_budget_exhausted,
            expected_exhaustion_at=found.expected_exhaustion_at,
            horizon_end=found.horizon_end,
            method=found.method,
            consumed_ratio=found.spent,
            consumed_at_most=[
                ConsumedAtMost(probability=one.probability, consumed_ratio=one.spent) for one in found.at_most
            ],
        )

    @classmethod
    def from_document(cls, told: Mapping[str, Any]) -> Forecast:
        """The forecast as an event keeps it."""
        expected = told["expectedExhaustionAt"]
        return cls(
            probability_budget_exhausted=told["probabilityBudgetExhausted"],
            expected_exhaustion_at=None if expected is None else datetime.fromisoformat(expected),
            horizon_end=datetime.fromisoformat(told["horizonEnd"]),
            method=told["method"],
        )


@strawberry.type
class ServiceForecast:
    """What is to come: a field of ``Service``."""

    service_id: str

    @strawberry.field(
        description="Will the error budget last? null: `noForecastReason` says why. "
        "A budget that is spent is always told of."
    )
    async def forecast(
        self, info: Info, sli_type: Annotated[SliType, strawberry.argument(description="What is promised.")]
    ) -> Forecast | None:
        """Worked out for all services of the request together."""
        found = await info.context.forecast.forecast_by_service.load((self.service_id, sli_type))
        return Forecast.from_domain(found) if isinstance(found, model.Forecast) else None

    @strawberry.field(description="Why `forecast` is null; null where there is one.")
    async def no_forecast_reason(
        self, info: Info, sli_type: Annotated[SliType, strawberry.argument(description="What is promised.")]
    ) -> NoForecastReason | None:
        """From the same work as the forecast."""
        found = await info.context.forecast.forecast_by_service.load((self.service_id, sli_type))
        return found.reason if isinstance(found, NoForecast) else None
