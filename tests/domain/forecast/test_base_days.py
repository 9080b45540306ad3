from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.forecast.base_days import MEMORY, daily_factors


@pytest.mark.parametrize("days", [1, 3, 7, 14, 28])
def test_the_variance_of_a_mean_falls_with_its_days_as_the_law_says(days: int):
    """The variance of weeks is what was asked for; others by h ** (2 H - 2), of a small variance exactly."""
    factors = daily_factors(np.random.default_rng(1), 0.01, 20_000, 28)

    seen = factors[:, :days].mean(axis=1)

    assert seen.mean() == pytest.approx(1.0, abs=0.005)
    assert seen.var() == pytest.approx(0.01 * (days / 7) ** (2 * MEMORY - 2), rel=0.05)


@pytest.mark.parametrize("correlation", [0.8, 0.9])
def test_days_that_remember_are_told_better_than_as_independent_ones(correlation: float):
    """Autoregressive days: closed-form variance of their mean, by week, against the law's."""

    def variance(days: int) -> float:
        apart = np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
        return float((correlation**apart).mean())

    for days in (1, 3, 14, 28):
        truth = np.log(variance(days) / variance(7))
        law, independent = (2 * MEMORY - 2) * np.log(days / 7), -np.log(days / 7)
        assert abs(law - truth) < abs(independent - truth)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 4), st.integers(1, 31))
def test_factors_are_positive_and_nothing_varies_without_variance(variance: float, steps: int):
    factors = daily_factors(np.random.default_rng(1), variance, 5, steps)

    assert factors.shape == (5, steps)
    assert (factors > 0).all()
    assert np.isfinite(factors).all()
    assert (daily_factors(np.random.default_rng(1), 0.0, 5, steps) == 1).all()
