"""For which services a forecast is given out: where it was measured to beat the simple rules by a tenth.

Pinball loss against seasonal-naive and last-value, each with its own adaptive levels, on
simulated organisations: docs/science/forecast.md has the table, ``python -m bench.forecast_trial`` gives it again.
Elsewhere yesterday's failed share tells nearly as much, and nothing is given out.
"""

from __future__ import annotations

from sloengine.domain.reliability.window import ComplianceWindow

FEW_REQUESTS_A_DAY = 1_500.0
_ROLLING_MONTH = (ComplianceWindow.ROLLING_28D, ComplianceWindow.ROLLING_30D)


def is_given_out(window: ComplianceWindow, *, running: bool, daily_traffic: float) -> bool:
    """Whether a forecast of this class of service earns its place.

    ``running``: the newest 24 hours are an incident. ``daily_traffic``: valid events.
    """
    if window is ComplianceWindow.CALENDAR_MONTH:
        return True
    if window not in _ROLLING_MONTH:
        return False
    return running or daily_traffic < FEW_REQUESTS_A_DAY
