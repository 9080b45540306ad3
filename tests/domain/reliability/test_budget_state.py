from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.budget_state import BudgetState, budget_state, window_start
from sloengine.domain.reliability.window import ComplianceWindow

HOUR = timedelta(hours=1)
AS_OF = datetime(2026, 3, 16, 12, tzinfo=UTC)
ROLLING = ComplianceWindow.ROLLING_28D
MONTH, QUARTER = ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.CALENDAR_QUARTER


def state(
    bad: np.ndarray, *, target: float = 0.999, window: ComplianceWindow = ROLLING, as_of: datetime = AS_OF
) -> BudgetState | None:
    total = np.full(len(bad), 1000.0)
    return budget_state(total - bad, total, HOUR, target=target, window=window, as_of=as_of)


def test_failures_of_the_window_are_set_against_what_it_allows():
    bad = np.zeros(40 * 24)
    bad[-28 * 24] = 300.0  # of 672 the window allows
    bad[-28 * 24 - 1] = 900.0  # the hour before the window

    found = state(bad)

    assert found is not None
    assert found.consumed_ratio == pytest.approx(300 / 672)
    assert found.remaining_ratio == pytest.approx(372 / 672)
    assert [(burn.window, burn.rate) for burn in found.burn_rates] == [("1h", 0), ("6h", 0), ("1d", 0), ("3d", 0)]


def test_an_interval_without_a_count_of_good_ones_has_not_failed():
    total = np.full(28 * 24, 1000.0)
    good = total - 0.5
    good[::3] = np.nan

    found = budget_state(good, total, HOUR, target=0.999, window=ROLLING, as_of=AS_OF)

    assert found is not None
    assert found.consumed_ratio == pytest.approx(0.5)


def test_the_textbook_burn_rate_spends_two_percent_of_thirty_days_in_an_hour():
    bad = np.zeros(30 * 24)
    bad[-1] = 14.4

    found = state(bad, window=ComplianceWindow.ROLLING_30D)

    assert found is not None
    assert found.burn_rates[0].rate == pytest.approx(14.4)
    assert found.consumed_ratio == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("window", "as_of", "start"),
    [
        (MONTH, AS_OF, datetime(2026, 3, 1, tzinfo=UTC)),
        (QUARTER, AS_OF, datetime(2026, 1, 1, tzinfo=UTC)),
        (MONTH, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (QUARTER, datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)),
        (ROLLING, AS_OF, datetime(2026, 2, 16, 12, tzinfo=UTC)),
    ],
)
def test_windows_begin_where_the_calendar_says(window: ComplianceWindow, as_of: datetime, start: datetime):
    assert window_start(window, as_of) == start


def test_half_a_month_that_burns_at_one_has_spent_half_of_the_budget():
    bad = np.full(24 * 40, 1.0)

    found = state(bad, window=MONTH)

    assert found is not None
    assert found.consumed_ratio == pytest.approx(0.5)  # 15.5 of 31 days
    assert found.burn_rates[-1].rate == pytest.approx(1.0)


def test_no_data_is_no_budget_and_a_gap_is_no_failure():
    nothing = np.full(24 * 28, np.nan)
    assert budget_state(nothing, nothing, HOUR, target=0.99, window=ROLLING, as_of=AS_OF) is None

    total = np.full(24 * 28, 100.0)
    total[-3:] = np.nan
    found = budget_state(total * 0.99, total, HOUR, target=0.99, window=ROLLING, as_of=AS_OF)

    assert found is not None
    assert found.consumed_ratio == pytest.approx(1.0)
    assert [burn.window for burn in found.burn_rates] == ["6h", "1d", "3d"]


def test_daily_data_have_no_hourly_burn_rate():
    total = np.full(28, 100.0)

    found = budget_state(total, total, 24 * HOUR, target=0.99, window=ROLLING, as_of=AS_OF)

    assert found is not None
    assert [burn.window for burn in found.burn_rates] == ["1d", "3d"]


@given(
    bad=st.lists(st.floats(0, 1000), min_size=24, max_size=96),
    more=st.floats(0, 1000),
    window=st.sampled_from(list(ComplianceWindow)),
)
def test_more_failures_never_leave_more_of_the_budget(bad: list[float], more: float, window: ComplianceWindow):
    worse = list(bad)
    worse[-1] = max(worse[-1], more)

    before, after = state(np.array(bad), window=window), state(np.array(worse), window=window)

    assert before is not None
    assert after is not None
    assert after.remaining_ratio <= before.remaining_ratio + 1e-12
