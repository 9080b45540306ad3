from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr, ndtri

from sloengine.domain.recommendation.poisson import gamma_quantile, poisson_quantile

LEVELS = (np.arange(999) + 1) / 1_000


@pytest.mark.parametrize("mean", [1e-6, 0.03, 0.7, 4.0, 29.9])
def test_quantiles_of_small_means_are_scipys(mean: float) -> None:
    assert np.array_equal(poisson_quantile(LEVELS, np.full(999, mean)), stats.poisson.ppf(LEVELS, mean))


@pytest.mark.parametrize("mean", [5.9, 6.01, 6.9, 7.5, 8.0, 9.3, 11.0, 13.7, 17.0, 21.4, 25.0, 29.99])
def test_the_expansion_is_believed_only_where_it_is_exact(mean: float) -> None:
    counts = np.arange(80)
    at_steps = np.clip(stats.poisson.cdf(counts, mean), 1e-9, 1 - 1e-9)
    levels = np.sort(np.concatenate([ndtr(np.linspace(-5, 5, 20_001)), at_steps * (1 - 1e-9), at_steps + 1e-9]))
    levels = levels[levels < 1 - 1e-9]

    found = poisson_quantile(levels, np.full(len(levels), mean), ndtri(levels))

    assert np.array_equal(found, stats.poisson.ppf(levels, mean))


def test_levels_at_the_ends_have_a_count_too() -> None:
    levels = np.array([0.0, 1.0, 0.5])

    with np.errstate(invalid="ignore"):
        found = poisson_quantile(levels, np.full(3, 12.0), ndtri(levels))

    assert found[0] == 0
    assert 30 < found[1] <= 200
    assert found[2] == stats.poisson.ppf(0.5, 12.0)


@pytest.mark.parametrize("mean", [31.0, 250.0, 4e4, 3e7])
def test_quantiles_of_large_means_are_within_one_count(mean: float) -> None:
    theirs = stats.poisson.ppf(LEVELS, mean)

    assert np.abs(poisson_quantile(LEVELS, np.full(999, mean)) - theirs).max() <= 1 + 1e-9 * mean


@given(level=st.floats(0.001, 0.999), a=st.floats(0, 29), b=st.floats(0, 29))
def test_a_larger_mean_never_gives_fewer(level: float, a: float, b: float) -> None:
    low, high = (poisson_quantile(np.array([level]), np.array([mean])) for mean in sorted((a, b)))

    assert low[0] <= high[0]


@pytest.mark.parametrize("shape", [0.2, 3.0, 49.0, 51.0, 4_000.0])
def test_gamma_quantiles_are_scipys(shape: float) -> None:
    ours, theirs = gamma_quantile(LEVELS, shape), stats.gamma.ppf(LEVELS, shape)

    assert np.allclose(ours, theirs, rtol=2e-3, atol=1e-12)
