from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_triangular
from scipy.signal import lfilter
from scipy.stats import multivariate_normal

from sloengine.domain.drift.innovations import CARRIED_HOURS, innovations, to_build_on
from sloengine.domain.reliability.panel import FloatArray

MEMORIES = [[0.9], [-0.5], [0.5, 0.3], [0.7, -0.2, 0.4], [0.0]]


def simulated(seed: int, memory: list[float], hours: int, share_known: float) -> FloatArray:
    random = np.random.default_rng(seed)
    drawn = random.standard_normal(hours + 500)
    values: FloatArray = lfilter([1.0], [1.0, *(-one for one in memory)], drawn)[500:]
    values[random.random(hours) > share_known] = np.nan
    return values


def covariances(memory: list[float], hours: int) -> FloatArray:
    """Of all pairs of hours, by the process written as a sum of its innovations, not by its recursion."""
    weights = lfilter([1.0], [1.0, *(-one for one in memory)], np.r_[1.0, np.zeros(4_000)])
    by_lag = np.array([float(weights[lag:] @ weights[: len(weights) - lag]) for lag in range(hours)])
    found: FloatArray = by_lag[np.abs(np.subtract.outer(np.arange(hours), np.arange(hours)))]
    return found


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("share_known", [0.15, 0.5, 0.9, 1.0])
def test_they_are_those_of_the_joint_distribution_of_the_hours_that_were_seen(
    memory: list[float], share_known: float
):
    values = simulated(1, memory, 300, share_known)
    known = ~np.isnan(values)
    seen = covariances(memory, 300)[np.ix_(known, known)]

    found = innovations(values, np.array(memory), np.inf)

    by_factors = solve_triangular(np.linalg.cholesky(seen), values[known], lower=True)
    np.testing.assert_allclose(found[known], by_factors, atol=1e-9)
    assert np.isnan(found[~known]).all()


def test_their_squares_are_the_likelihood_of_a_filter_written_out():
    phi, values = 0.8, simulated(2, [0.8], 200, 0.4)
    known = ~np.isnan(values)
    mean, variance, told, spreads = 0.0, 1 / (1 - phi**2), [], []
    for value in values:
        if not np.isnan(value):
            told.append((value - mean) / np.sqrt(variance))
            spreads.append(variance)
            mean, variance = value, 0.0
        mean, variance = phi * mean, phi**2 * variance + 1

    found = innovations(values, np.array([phi]), np.inf)[known]

    np.testing.assert_allclose(found, told, atol=1e-12)
    likelihood = -0.5 * (np.log(2 * np.pi * np.array(spreads)) + found**2).sum()
    seen = covariances([phi], 200)[np.ix_(known, known)]
    assert likelihood == pytest.approx(multivariate_normal(cov=seen).logpdf(values[known]))


def test_behind_a_gap_what_is_expected_has_faded_and_may_be_missed_by_more():
    found = innovations(np.array([2.0, np.nan, np.nan, 1.0, 0.5]), np.array([0.5]), np.inf)

    fades = (1.0 - 0.125 * 2.0) / np.sqrt((1 - 0.5**6) / (1 - 0.5**2))
    np.testing.assert_allclose(found, [2.0 * np.sqrt(0.75), np.nan, np.nan, fades, 0.0])


def test_a_wild_value_before_a_gap_counts_as_far_as_the_reach():
    wild, at_reach = (
        innovations(np.array([value, np.nan, 1.0]), np.array([0.9]), 4.0)[2] for value in (500.0, 4.0)
    )

    assert wild == pytest.approx(at_reach)


@pytest.mark.parametrize("memory", [[0.6], [0.5, 0.3], [0.7, -0.2, 0.4]])
def test_of_complete_hours_they_are_what_the_hours_before_leave(memory: list[float]):
    values = simulated(4, memory, 400, 1.0)

    found = innovations(values, np.array(memory), np.inf)

    left = lfilter([1.0, *(-one for one in memory)], [1.0], values)
    np.testing.assert_allclose(found[len(memory) :], left[len(memory) :], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    memory=st.sampled_from(MEMORIES),
    share_known=st.sampled_from([0.1, 0.3, 0.7, 1.0]),
    cuts=st.lists(st.integers(1, 299), max_size=6),
)
def test_hour_by_hour_or_all_at_once_they_are_the_same(
    seed: int, memory: list[float], share_known: float, cuts: list[int]
):
    values = simulated(seed, memory, 300, share_known)
    pieces, before = [], np.empty(0)
    for piece in np.split(values, sorted(cuts)):
        both = np.concatenate((before, piece))
        pieces.append(innovations(both, np.array(memory), 4.0, first=len(before))[len(before) :])
        before = to_build_on(both, len(memory))

    at_once = innovations(values, np.array(memory), 4.0)

    np.testing.assert_allclose(np.concatenate(pieces), at_once, atol=1e-9)


def test_no_more_hours_are_kept_than_tell_of_the_next():
    values = np.arange(1_000.0)
    values[990] = np.nan
    outage = np.r_[values, np.full(900, np.nan)]

    assert to_build_on(values, 3).tolist() == [997.0, 998.0, 999.0]
    assert to_build_on(values[:993], 3)[:3].tolist() == [987.0, 988.0, 989.0]
    assert len(to_build_on(outage, 1)) == CARRIED_HOURS
    assert to_build_on(np.array([1.0]), 3).tolist() == [1.0]
    assert len(to_build_on(np.empty(0), 2)) == 0
