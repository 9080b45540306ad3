"""The event that tells of an SLO at risk, the same from every store."""

from __future__ import annotations

from typing import Any

from sloengine.application.ports.forecast_store import NotedForecast

SLO_AT_RISK = "SloAtRisk"


def at_risk_payload(noted: NotedForecast) -> dict[str, Any]:
    """The SLO's id, and the forecast: by the time somebody reads the event, it will be another one."""
    told = noted.forecast
    expected = told.expected_exhaustion_at
    return {
        "slo": noted.slo_id,
        "forecast": {
            "probabilityBudgetExhausted": told.probability_budget_exhausted,
            "expectedExhaustionAt": None if expected is None else expected.isoformat(),
            "horizonEnd": told.horizon_end.isoformat(),
            "method": told.method,
        },
    }
