from __future__ import annotations

import pytest

from bench.forecast_told import Row, at_risk
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.reliability.window import ComplianceWindow

MONTH, ROLLING = ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.ROLLING_28D


def looks(*told: float | None, ran_out: str, requests: float = 1e6) -> list[Row]:
    """One service, a look a week; None: nothing told, the budget is spent; ``ran_out``: x where it did."""
    return [
        Row(1, 5, place, place + 7.0, False, requests, 0.2, {}, {}, {"engine": one}, lost == "x")
        for place, (one, lost) in enumerate(zip(told, ran_out, strict=True))
        if one is not None
    ]


def found(rows: list[Row], window: ComplianceWindow = MONTH) -> tuple[list[list[float]], list[list[float]]]:
    at = at_risk(rows, "engine", window, RiskThreshold(0.3))
    return at.events[:, 1:].tolist(), at.losses[:, 1:].tolist()


def test_an_event_begins_at_the_threshold_and_again_only_below_half_of_it():
    events, losses = found(looks(0.1, 0.4, 0.2, 0.5, 0.1, 0.3, ran_out=".....x"))

    assert events == [[0.4, 0.0], [0.3, 1.0]]
    assert losses == [[1.0]]


def test_a_budget_that_runs_out_untold_is_missed_and_looks_in_a_row_are_one():
    events, losses = found(looks(0.1, 0.1, 0.1, 0.2, ran_out="xx.x"))

    assert events == []
    assert losses == [[0.0], [0.0]]


def test_one_that_is_told_at_the_last_look_is_told():
    assert found(looks(0.1, 0.2, 0.35, ran_out="xxx")) == ([[0.35, 1.0]], [[1.0]])


def test_after_a_spent_budget_it_is_at_risk_without_having_been_forecast():
    events, _ = found(looks(0.1, None, 0.4, 0.1, 0.4, ran_out="....."))

    assert events == [[0.4, 0.0]]


@pytest.mark.parametrize(("requests", "events"), [(28 * 100.0, [[0.4, 1.0]]), (1e9, [])])
def test_no_event_begins_where_forecasts_are_not_given_out(requests: float, events: list[list[float]]):
    assert found(looks(0.4, ran_out="x", requests=requests), ROLLING)[0] == events
