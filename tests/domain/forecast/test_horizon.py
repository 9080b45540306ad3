from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.forecast.horizon import horizon_of
from sloengine.domain.reliability.window import ComplianceWindow

DAY = timedelta(days=1)
MONTH = ComplianceWindow.CALENDAR_MONTH
ROLLING = [ComplianceWindow.ROLLING_7D, ComplianceWindow.ROLLING_28D, ComplianceWindow.ROLLING_30D]
AS_OF = datetime(2026, 3, 20, 6, tzinfo=UTC)


@settings(max_examples=40, deadline=None)
@given(window=st.sampled_from(ROLLING), seed=st.integers(0, 10_000), days=st.integers(1, 60))
def test_a_rolling_window_is_what_counting_the_whole_series_again_gives(
    window: ComplianceWindow, seed: int, days: int
):
    rng = np.random.default_rng(seed)
    valid, bad = rng.integers(500, 1_500, days + 7).astype(float), rng.integers(0, 20, days + 7).astype(float)
    horizon = horizon_of(bad[:days], valid[:days], window=window, as_of=AS_OF)

    spent = horizon.consumed(bad[days:], valid[days:], 0.99)

    length = window.length // DAY
    for step in range(7):
        end = days + step + 1
        inside = slice(max(0, end - length), end)
        assert spent[step] == pytest.approx(bad[inside].sum() / (valid[inside].sum() * 0.01), rel=1e-6)


def test_a_calendar_window_is_judged_on_its_whole_length():
    horizon = horizon_of(np.zeros(30), np.zeros(30), window=MONTH, as_of=AS_OF, in_window_so_far=(310.0, 19_250.0))

    assert horizon.ends_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert horizon.step_days.sum() == pytest.approx(11.75)
    # 31 days of 1,000 requests, 1 % may fail: 310. All are gone, and a request that fails is one too many.
    coming = 1_000.0 * horizon.step_days
    assert horizon.consumed(np.zeros(12), coming, 0.99)[-1] == pytest.approx(1.0)
    assert horizon.consumed(np.r_[np.zeros(11), 31.0], coming, 0.99)[-1] == pytest.approx(1.1)
    # A quieter end of the month leaves less: 310 failed of 25,125.
    assert horizon.consumed(np.zeros(12), coming / 2, 0.99)[-1] == pytest.approx(310 / 251.25)


def test_at_the_instant_a_month_ends_the_next_one_is_looked_at():
    horizon = horizon_of(
        np.full(40, 9.0), np.full(40, 100.0), window=MONTH, as_of=datetime(2026, 3, 1, tzinfo=UTC)
    )

    assert horizon.ends_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert horizon.past_bad[0] == 0.0
