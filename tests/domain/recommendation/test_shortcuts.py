"""What is computed by a short way is what the long way gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaincinv, ndtr
from scipy.stats import poisson

from sloengine.domain.explanation.window_quantile import WindowQuantile
from sloengine.domain.recommendation.incident_rate import (
    RATES,
    RateKnowledge,
    RateLevels,
    pick_rates,
    regime_rows,
    shipped_weights,
    stratified,
)
from sloengine.domain.recommendation.latency_days import FACTORS
from sloengine.domain.recommendation.latency_numbers import percentile_factors
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.poisson import gamma_quantile
from sloengine.domain.recommendation.service_knowledge import ServicePrior, SizeKnowledge
from sloengine.domain.recommendation.target_interval import plausible_quantiles
from sloengine.domain.recommendation.window_draws import episode_sizes, window_severity
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.quantile import upper_quantile


@pytest.mark.parametrize("shape", [0.1, 0.11, 0.37, 1.0, 2.5, 17.3, 49.99])
def test_gamma_quantiles_between_kept_shapes_are_those_of_the_shape_itself(shape: float):
    z = np.linspace(-5.0, 5.0, 321)  # the levels that are kept: here nothing is interpolated but the shape

    found = gamma_quantile(np.tile(ndtr(z), 3), shape, np.tile(z, 3))[: len(z)]

    np.testing.assert_allclose(found, gammaincinv(shape, ndtr(z)), rtol=2e-6)


@given(episodes=st.floats(0.0, 40.0), days=st.floats(0.5, 90.0), n=st.integers(40, 500), seed=st.integers(0, 99))
def test_rates_picked_in_order_are_those_picked_one_by_one(episodes: float, days: float, n: int, seed: int):
    known = RateKnowledge(shipped_weights(), episodes, days)
    level, regime = stratified(np.random.default_rng(seed), n), regime_rows(n)

    assert np.array_equal(RateLevels(level, regime).rates(known), pick_rates(known, level, regime))


@given(draws=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=80), level=st.floats(0.0, 1.0))
def test_the_upper_quantile_is_numpys(draws: list[float], level: float):
    values = np.array(draws)

    assert upper_quantile(values, level) == np.quantile(values, level, method="higher")


def test_sizes_that_are_remembered_are_those_drawn_afresh():
    sizes = SizeKnowledge.of(np.array([0.01, 0.3]), np.ones(2), own_share=0.4)
    prior = ServicePrior.of(OrganizationPrior.shipped(), "front")
    count = np.random.default_rng(1).poisson(1.5, 600)
    kept = WindowNumbers.of(np.random.default_rng(7), 600)
    window_severity(count // 2, SizeKnowledge(np.zeros(0), np.zeros(0), 0.0), prior, kept)

    again = window_severity(count, sizes, prior, kept)

    fresh = WindowNumbers.of(np.random.default_rng(7), 600)
    assert np.array_equal(again, window_severity(count, sizes, prior, fresh))
    rows = np.array([3, 77, 500])
    taken = kept.take(rows, np.ones(3))
    everywhere = episode_sizes(sizes, prior, fresh, 0, np.arange(600))
    assert np.array_equal(episode_sizes(sizes, prior, taken, 0, np.arange(3)), everywhere[rows])


def test_what_is_remembered_of_one_prior_is_not_given_for_another():
    numbers = WindowNumbers.of(np.random.default_rng(7), 600)
    one = ServicePrior.of(OrganizationPrior.shipped(), "front")
    many = ServicePrior(one.rate_weights, np.array([0.5]), np.ones(1), 1.0, 9.0, 2.0, 3e4, one.spread, 2.0, 270.0)
    rows = np.arange(600)

    first, base = numbers.others_sizes(one, 0, rows), numbers.regime_base(one)

    assert not np.allclose(first, numbers.others_sizes(many, 0, rows))
    assert not np.allclose(base, numbers.regime_base(many))


@settings(max_examples=60)
@given(
    single=st.integers(3, 60), others=st.integers(0, 20), each=st.floats(1.5, 12.0),
    level=st.floats(0.5, 0.99), seed=st.integers(0, 999),
)  # fmt: skip
def test_quantiles_of_weighted_windows_are_found_as_by_counting_down(
    single: int, others: int, each: float, level: float, seed: int
):
    rng = np.random.default_rng(seed)
    weights = np.concatenate([np.ones(single), np.full(others, each)])
    whole = WindowNumbers.of(rng, single + others)
    numbers = whole.take(np.arange(single + others), weights)
    drawn = rng.random((5, single + others))

    found = WindowQuantile(numbers, level).of(drawn)

    total = round(float(weights.sum()))
    above = total - min(total - 1, int(np.ceil(level * (total - 1))))
    for values, answer in zip(drawn, found, strict=True):
        order = np.argsort(-values)
        place = int(np.searchsorted(np.cumsum(weights[order]), above - 1e-9))
        assert answer == values[order[min(place, len(order) - 1)]]


@settings(max_examples=15)
@given(seed=st.integers(0, 999), n=st.integers(2, 200))
def test_quantiles_under_plausible_rates_are_found_as_by_adding_up(seed: int, n: int):
    rng = np.random.default_rng(seed)
    draws, count, levels = rng.random(n), rng.poisson(1.0, n), [0.98, 0.92, 0.8]

    found, _ = plausible_quantiles(draws, count, shipped_weights(), 28.0, levels, 0.5)

    rates = RATES[
        np.searchsorted(np.cumsum(shipped_weights()) / shipped_weights().sum(), (np.arange(40) + 0.5) / 40)
    ]
    order = np.argsort(draws, kind="stable")
    for row, rate in enumerate(rates):
        weight = poisson.pmf(count, rate * 28.0) / np.bincount(count)[count]
        added = np.cumsum(weight[order]) / weight.sum()
        for place, level in enumerate(levels):
            reached = draws[order[min(int((added < level - 1e-9).sum()), n - 1)]]
            beyond = draws[order[min(int((added < level + 1e-9).sum()), n - 1)]]
            assert reached <= found[place, row] <= beyond


def test_a_percentile_is_where_the_tail_has_fallen_to_its_share():
    tail = np.minimum(1.0, FACTORS**-1.5)[None, :]

    assert percentile_factors(tail, 0.05)[0] == pytest.approx(0.05 ** (-1 / 1.5), rel=2e-3)
