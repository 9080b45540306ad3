from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.budget import (
    burn_rate,
    error_budget_minutes,
    error_budget_remaining_ratio,
    error_budget_requests,
)

targets = st.floats(0.5, 0.999999)
ratios = st.floats(0, 1)


@given(target=targets, a=ratios, b=ratios)
def test_more_bad_events_never_burn_slower(target: float, a: float, b: float) -> None:
    assert burn_rate(min(a, b), target) <= burn_rate(max(a, b), target)


@given(target=targets, bad=ratios)
def test_what_is_burnt_and_what_remains_make_the_whole(target: float, bad: float) -> None:
    assert burn_rate(bad, target) + error_budget_remaining_ratio(bad, target) == pytest.approx(1.0)


@given(target=targets)
def test_failing_exactly_the_budget_spends_it_in_one_window(target: float) -> None:
    assert burn_rate(1 - target, target) == pytest.approx(1.0)


def test_three_nines_over_thirty_days_are_43_minutes() -> None:
    assert error_budget_minutes(0.999, timedelta(days=30)) == pytest.approx(43.2)
    assert error_budget_requests(0.999, 1_000_000) == pytest.approx(1_000)


@pytest.mark.parametrize(("bad", "target"), [(-0.1, 0.9), (0.1, 1.0), (0.1, 1.1), (2.0, 0.9)])
def test_ratios_outside_their_range_are_refused(bad: float, target: float) -> None:
    with pytest.raises(ValueError, match=r"target|bad_ratio"):
        burn_rate(bad, target)
