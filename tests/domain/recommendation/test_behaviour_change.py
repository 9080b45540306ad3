from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sloengine.domain.recommendation.availability_case import window_predictive
from sloengine.domain.recommendation.behaviour_change import (
    BehaviourChange,
    since,
    still_slow,
    still_there,
    worse_of,
)
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import LatencyHistory

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
draws = arrays(np.float64, 40, elements=st.floats(0, 1))


@given(whole=draws, recent=draws, level=st.floats(0, 1))
def test_no_quantile_is_better_than_either(whole, recent, level):
    found = worse_of(whole, recent)

    both = [np.quantile(one, level, method="higher") for one in (whole, recent)]
    assert np.quantile(found, level, method="higher") == max(both)
    assert (found >= whole).all()


def history(bad_before: float, bad_since: float) -> DailyHistory:
    bad = np.r_[np.full(80, bad_before), np.full(10, bad_since)]
    return DailyHistory(("a",), END, bad[None, :], np.full((1, 90), 1e6), np.ones((1, 90)))


def test_the_days_before_lose_their_say():
    left = since(history(10, 100), END - timedelta(days=10))

    assert left.exposure.sum() == 10
    assert left.bad.sum() == 1_000


def test_what_was_an_incident_is_told_after_three_days():
    change = BehaviourChange(
        END - timedelta(days=6), True, "worse", detected_at=END - timedelta(days=5.9), failures=(1e-5, 1e-2)
    )
    lasting, passed = history(10, 10_000), history(10, 10_000)
    passed.bad[0, -5:] = 12
    better = replace(change, is_worse=False, failures=(1e-2, 1e-5))

    assert still_there(change, lasting) is change
    assert still_there(change, passed) is None
    assert still_there(replace(change, detected_at=END - timedelta(days=2.5)), passed) is not None
    assert still_there(better, lasting) is None
    assert still_there(better, passed) is better
    assert still_there(None, lasting) is None


def test_a_slow_spell_is_told_after_three_days_too():
    change = BehaviourChange(
        END - timedelta(days=6), True, "slower", latency_ratio=4.0, detected_at=END - timedelta(days=5.9)
    )
    fast, slow = [100.0, 0, 0], [0, 0, 100.0]

    def days(*last: list[float]) -> LatencyHistory:
        counts = np.array([fast] * 20 + [slow] + list(last))
        return LatencyHistory("a", END.replace(hour=0) - timedelta(days=26), np.array([0.1, 0.2, 0.4]), counts)

    assert still_slow(change, days(*[slow] * 5)) is change
    assert still_slow(change, days(*[fast] * 5)) is None
    assert still_slow(change, days(fast)) is change


def test_targets_are_widened_to_the_new_behaviour_and_never_tightened():
    numbers = WindowNumbers.of(np.random.default_rng(1), 2_000)
    change = BehaviourChange(END - timedelta(days=10), True, "worse")
    quantiles = {}
    for name, days in (("fell", history(50, 5_000)), ("rose", history(5_000, 50)), ("same", history(50, 50))):
        for changed in (None, change):
            predicted = window_predictive(
                days,
                OrganizationPrior.shipped(),
                numbers,
                window_days=28,
                expected_daily_traffic=1e6,
                changed=changed,
            )
            quantiles[name, changed is None] = float(np.quantile(predicted.unavailability, 0.5))

    assert quantiles["fell", False] > 0.8 * 5e-3
    assert all(quantiles[name, False] >= quantiles[name, True] for name in ("fell", "rose", "same"))
