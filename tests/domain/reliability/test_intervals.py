from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sloengine.domain.reliability.intervals import (
    block_bootstrap_mean,
    clopper_pearson,
    effective_points,
    jeffreys_predictive_failures,
)


@given(trials=st.integers(1, 5_000), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_the_exact_interval_is_scipys(trials: int, share: float, level: float) -> None:
    successes = round(share * trials)

    ours = clopper_pearson(successes, trials, level)

    theirs = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_no_trials_say_nothing() -> None:
    interval = clopper_pearson(0, 0)

    assert (interval.low, interval.high) == (0.0, 1.0)


@pytest.mark.parametrize("arguments", [(-1, 5), (6, 5), (1, 5, 1.0)])
def test_impossible_counts_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"successes|level"):
        clopper_pearson(*arguments)


@given(
    requests=st.integers(1, 3_000),
    share=st.floats(0, 0.2),
    ahead=st.integers(1, 3_000),
    level=st.floats(0.5, 0.995),
)
def test_the_predictive_count_is_scipys_beta_binomial(
    requests: int, share: float, ahead: int, level: float
) -> None:
    failures = round(share * requests)

    ours = jeffreys_predictive_failures(failures, requests, ahead, level)

    law = stats.betabinom(ahead, failures + 0.5, requests - failures + 0.5)
    assert law.cdf(ours) >= level - 1e-9
    assert ours == 0 or law.cdf(ours - 1) < level + 1e-9


@pytest.mark.parametrize(("level", "percent"), [(0.99, 99.83), (0.95, 99.93), (0.80, 99.97)])
def test_no_failure_in_three_thousand_promises_less_than_the_rule_of_three_suggests(
    level: float, percent: float
) -> None:
    failures = jeffreys_predictive_failures(0, 3_000, 3_000, level)

    assert 100 * (1 - failures / 3_000) == pytest.approx(percent, abs=0.006)


def test_requests_that_fail_together_are_less_evidence() -> None:
    alone = jeffreys_predictive_failures(4, 10_000, 10_000, 0.95)

    assert jeffreys_predictive_failures(4, 10_000, 10_000, 0.95, design_effect=4.0) > alone


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_effective_points_are_those_of_an_autoregression(memory: float) -> None:
    rng = np.random.default_rng(3)
    n = 4_000
    series = np.zeros(n)
    for i in range(1, n):
        series[i] = memory * series[i - 1] + rng.standard_normal()

    # Closed form of an AR(1): n (1 - r) / (1 + r).
    assert effective_points(series) == pytest.approx(n * (1 - memory) / (1 + memory), rel=0.3)


def test_the_bootstrap_covers_the_mean_of_a_series_that_remembers() -> None:
    rng, covered, naive = np.random.default_rng(5), 0, 0
    for _ in range(200):
        series = np.zeros(240)
        for i in range(1, 240):
            series[i] = 0.6 * series[i - 1] + rng.standard_normal()
        interval = block_bootstrap_mean(series, rng, replicates=300).interval
        half = 1.96 * series.std() / np.sqrt(240)
        assert interval is not None
        covered += interval.low <= 0 <= interval.high
        naive += abs(series.mean()) <= half

    assert covered >= 170  # 85 % at least: blocks are known to cover a little less than they say
    assert naive < 160  # forgetting the memory covers two thirds


def test_too_few_independent_points_are_refused_and_few_are_widened() -> None:
    rng = np.random.default_rng(1)

    refused = block_bootstrap_mean(np.array([0.1, 0.2, 0.1, 0.3]), rng)
    widened = block_bootstrap_mean(rng.standard_normal(12), rng)
    plain = block_bootstrap_mean(rng.standard_normal(400), rng)

    assert refused.interval is None
    assert refused.refused is not None
    assert widened.widened_by > 1
    assert plain.widened_by == 1
