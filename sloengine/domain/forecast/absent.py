"""Why a service has no forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.forecast.shipped import is_given_out
from sloengine.domain.reliability.window import ComplianceWindow


class NoForecastReason(StrEnum):
    """What stands against a forecast."""

    LATENCY = "LATENCY"
    """Latency is not forecast."""
    NO_SLO = "NO_SLO"
    """No active SLO: there is no budget."""
    WINDOW = "WINDOW"
    """Forecasts of this SLO's window have not been measured."""
    REFUSED = "REFUSED"
    """The telemetry cannot be true."""
    NO_REQUESTS = "NO_REQUESTS"
    """No valid request in the newest 24 hours."""
    SIMPLE_RULES = "SIMPLE_RULES"
    """A calm service with much traffic: simple rules do nearly as well."""


@dataclass(frozen=True, slots=True)
class NoForecast:
    """``window``: the SLO's. ``as_of``: end of the newest hour looked at. ``found``: what cannot be true.

    None where the reason does not rest on it.
    """

    reason: NoForecastReason
    window: ComplianceWindow | None = None
    as_of: datetime | None = None
    found: str | None = None


def told(forecast: Forecast, window: ComplianceWindow) -> Forecast | NoForecast:
    """The forecast where it is given out, else why not."""
    if forecast.given_out:
        return forecast
    is_measured = is_given_out(window, running=True, daily_traffic=0.0)
    return NoForecast(NoForecastReason.SIMPLE_RULES if is_measured else NoForecastReason.WINDOW, window)
