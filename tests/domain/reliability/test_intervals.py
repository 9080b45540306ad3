from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from sloengine.domain.reliability.intervals import (
    block_bootstrap_mean,
    clopper_pearson,
    jeffreys_predictive_failures,
    ratio_interval,
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


@pytest.mark.parametrize("requests", [500, 1_000, 2_000, 5_000, 10_000])
@pytest.mark.parametrize("ratio", [0.99, 0.995, 0.999, 0.9995, 0.9999])
def test_count_intervals_cover_by_exact_enumeration(requests: int, ratio: float) -> None:
    failures = np.arange(requests + 1)
    chance = stats.binom.pmf(failures, requests, 1 - ratio)
    likely = np.flatnonzero(chance > 1e-12)

    covered = 0.0
    for k in likely.tolist():
        interval = clopper_pearson(requests - k, requests)
        covered += chance[k] * (interval.low <= ratio <= interval.high)

    assert covered >= 0.95 - 1e-9


def remembering(rng: np.random.Generator, n: int, memory: float, copies: int) -> np.ndarray:
    """AR(1) of mean 0; shape (copies, n)."""
    noise = rng.standard_normal((copies, n + 200))
    return np.asarray(lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 200:])


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_effective_points_are_those_of_an_autoregression(memory: float) -> None:
    rng = np.random.default_rng(3)
    n = 4_000

    found = block_bootstrap_mean(remembering(rng, n, memory, 1)[0], rng)

    # Closed form of an AR(1): n (1 - r) / (1 + r).
    assert found.effective_points == pytest.approx(n * (1 - memory) / (1 + memory), rel=0.2)


@pytest.mark.parametrize(
    ("n", "memory", "least"),
    [(720, 0.0, 0.9), (720, 0.6, 0.9), (720, 0.9, 0.9), (90, 0.0, 0.85), (90, 0.6, 0.85)],
)
def test_the_bootstrap_covers_the_mean_of_a_series_that_remembers(n: int, memory: float, least: float) -> None:
    rng, copies = np.random.default_rng(5), 300
    many = remembering(rng, n, memory, copies)

    found = [block_bootstrap_mean(series, rng, replicates=300).interval for series in many]

    answered = [interval for interval in found if interval is not None]
    covered = sum(interval.low <= 0 <= interval.high for interval in answered)
    half = 1.96 * many.std(axis=1) / np.sqrt(n)
    naive = float((np.abs(many.mean(axis=1)) <= half).mean())
    assert len(answered) >= 0.98 * copies
    assert covered >= least * len(answered)
    assert memory < 0.5 or naive < 0.75  # forgetting the memory covers two thirds, or fewer


def test_a_ratio_of_failures_that_come_in_bursts_is_covered_by_traffic_and_not_by_hours() -> None:
    rng, copies, hours = np.random.default_rng(8), 200, 24 * 60
    traffic = 1_000 * (1.5 + np.cos(2 * np.pi * np.arange(hours) / 24))
    # Bursts begin at any hour with chance 1/100 and last 5 hours; failures at 4 % in them and 0.1 % outside.
    truth, covered = 0.001 + 0.04 * (1 - 0.99**5), 0
    for _ in range(copies):
        began = rng.random(hours + 5) < 0.01
        running = np.convolve(began, np.ones(5), "full")[5 : hours + 5] > 0
        ratio = rng.poisson(traffic * (0.001 + 0.04 * running)) / traffic
        interval = block_bootstrap_mean(ratio, rng, weights=traffic, replicates=300).interval
        covered += interval is not None and interval.low <= truth <= interval.high

    assert covered >= 0.88 * copies


def test_missing_points_and_points_without_traffic_are_left_out() -> None:
    rng = np.random.default_rng(2)
    series, weights = rng.standard_normal(200), np.ones(200)
    series[::4], weights[1::4] = np.nan, 0.0

    found = block_bootstrap_mean(series, np.random.default_rng(4), weights=weights)

    kept = series[~np.isnan(series) & (weights > 0)]
    assert found == block_bootstrap_mean(kept, np.random.default_rng(4))


def test_a_memory_that_leaves_few_points_widens_and_one_that_leaves_none_refuses() -> None:
    rng = np.random.default_rng(1)

    refused = block_bootstrap_mean(np.array([0.1, 0.2, 0.1, 0.3]), rng)
    wandering = block_bootstrap_mean(np.cumsum(rng.standard_normal(300)), rng)
    widened = block_bootstrap_mean(rng.standard_normal(12), rng)
    plain = block_bootstrap_mean(rng.standard_normal(4_000), rng)

    assert refused.interval is None
    assert refused.refused is not None
    assert wandering.interval is None
    assert widened.widened_by > 1.05
    assert plain.widened_by == pytest.approx(1.0, abs=0.001)


def test_a_series_that_never_moves_has_an_interval_without_width() -> None:
    interval = block_bootstrap_mean(np.full(100, 0.25), np.random.default_rng(0)).interval

    assert interval is not None
    assert (interval.low, interval.high) == (0.25, 0.25)


def test_a_clean_record_still_has_the_interval_of_its_counts() -> None:
    valid = np.full(100, 30.0)

    found = ratio_interval(valid, valid)

    assert found is not None
    assert (found.low, found.high) == pytest.approx((stats.beta.ppf(0.025, 3_000, 1), 1.0))


def test_a_ratio_without_data_or_with_few_points_has_no_interval() -> None:
    nothing, few = np.full(50, np.nan), np.full(3, 10.0)

    assert ratio_interval(nothing, nothing) is None
    assert ratio_interval(few, few) is None


def test_failures_in_one_burst_say_less_than_the_same_failures_spread_out() -> None:
    valid = np.full(720, 1_000.0)
    spread, burst = valid - 1.0, valid.copy()
    burst[300:312] -= 60.0

    apart, together = ratio_interval(spread, valid), ratio_interval(burst, valid)

    assert apart is not None
    assert together is not None
    assert together.low < apart.low
