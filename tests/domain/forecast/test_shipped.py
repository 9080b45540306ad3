from __future__ import annotations

import pytest

from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.forecast.shipped import is_given_out
from sloengine.domain.reliability.window import ComplianceWindow

ROLLING, MONTH = ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_MONTH


@pytest.mark.parametrize(
    ("window", "running", "traffic", "given_out"),
    [
        (ROLLING, False, 1e5, False),
        (ROLLING, True, 1e5, True),
        (ROLLING, False, 1e3, True),
        (ComplianceWindow.ROLLING_30D, True, 1e5, True),
        (MONTH, False, 1e5, True),
        (ComplianceWindow.CALENDAR_QUARTER, True, 1e3, False),
        (ComplianceWindow.ROLLING_7D, True, 1e3, False),
    ],
)
def test_a_forecast_is_given_out_where_it_was_measured_to_be_better(
    window: ComplianceWindow, running: bool, traffic: float, given_out: bool
):
    assert is_given_out(window, running=running, daily_traffic=traffic) is given_out


def test_a_forecast_that_is_not_given_out_ends_a_risk_and_never_begins_one():
    threshold = RiskThreshold(0.3)

    assert [threshold.is_crossed(p, may_alarm=False) for p in (0.9, 0.2, 0.1)] == [None, None, False]
