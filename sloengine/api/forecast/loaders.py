"""One call for all forecasts that a request leads to."""

from __future__ import annotations

from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call_per_option
from sloengine.application.forecast.forecast_budgets import ForecastBudgets
from sloengine.domain.forecast.absent import NoForecast
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.recommendation.model import SliType


class ForecastLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, forecasts: ForecastBudgets) -> None:
        self._forecasts = forecasts

    @cached_property
    def forecast_by_service(self) -> DataLoader[tuple[str, SliType], Forecast | NoForecast | None]:
        """The forecast of a service's active SLO, or why there is none."""
        return one_call_per_option(self._forecasts.or_why_not)
