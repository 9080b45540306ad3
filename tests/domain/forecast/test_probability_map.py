from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.forecast.probability_map import ProbabilityMap, design_effect, fitted
from sloengine.domain.reliability.window import ComplianceWindow

PROBABILITIES = st.floats(0, 1)


def outcomes(ratio: float, n: int, seed: int, often: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """What was told, and what came when only ``ratio`` of its odds is true."""
    random = np.random.default_rng(seed)
    told = random.beta(often, 8 * often, n)
    odds = ratio * told / (1 - told)
    return told, (random.random(n) < odds / (1 + odds)).astype(float)


@pytest.mark.parametrize("often", [0.5, 0.05])
def test_many_independent_outcomes_give_the_truth_away(often: float):
    told, came = outcomes(0.7, 40_000, 1, often)

    found = fitted(told, came, np.arange(40_000.0), ProbabilityMap())

    assert found.ratio == pytest.approx(0.7, abs=0.04)
    assert found.outcomes == 40_000


def test_it_is_the_ratio_that_the_map_multiplies_by_also_where_exhaustion_is_common():
    """Half of the odds of what is told at 80 %: 2 in 3 come. The ratio of counts would be 0.83."""
    told, came = np.full(9_000, 0.8), np.tile([1.0, 1.0, 0.0], 3_000)

    found = fitted(told, came, np.arange(9_000.0), ProbabilityMap(), prior_weight=0.0)

    assert found.ratio == pytest.approx(0.5)
    assert found.of(told).sum() == pytest.approx(came.sum())


def test_the_estimate_is_the_mode_of_the_posterior():
    """Brute force over a grid: logistic likelihood with slope 1, gamma prior; density of the logarithm."""
    told, came = outcomes(0.6, 800, 2)
    grid = np.exp(np.linspace(-3, 1.5, 3_000))
    odds = grid[:, None] * (told / (1 - told))
    log_density = 40 * 0.9 * np.log(grid) - 40 * grid + (came * np.log(odds) - np.log1p(odds)).sum(axis=1)

    found = fitted(told, came, np.arange(800.0), ProbabilityMap(0.9))

    assert design_effect(came - ProbabilityMap(0.9).of(told), np.arange(800.0)) == pytest.approx(1.0)
    assert found.ratio == pytest.approx(grid[np.argmax(log_density)], rel=2e-3)


def test_of_what_is_rare_the_estimate_is_the_mean_of_a_gamma_posterior():
    """The closed form for a Poisson rate: (events + prior events) / (exposure + prior exposure)."""
    told, came = np.full(100_000, 1e-3), np.r_[np.ones(60), np.zeros(99_940)]

    found = fitted(told, came, np.arange(100_000.0), ProbabilityMap(0.9))

    assert found.ratio == pytest.approx((40 * 0.9 + 60) / (40 + 100), rel=2e-3)


def test_nothing_at_all_coming_is_drawn_towards_the_shipped_ratio():
    told = np.full(100, 0.4)

    found = fitted(told, np.zeros(100), np.arange(100.0), ProbabilityMap(0.8))
    alone = fitted(told, np.zeros(100), np.arange(100.0), ProbabilityMap(0.8), prior_weight=0.0)

    assert 0.2 < found.ratio < 0.8
    assert alone.ratio < 1e-5


def test_few_outcomes_move_it_little_and_none_not_at_all():
    start = ProbabilityMap(0.8)
    told, came = np.full(10, 0.2), np.ones(10)

    none = fitted(np.zeros(0), np.zeros(0), np.zeros(0), start)
    few = fitted(told, came, np.arange(10.0), start)

    assert none == start
    assert 0.8 < few.ratio < 1.05


def test_outcomes_that_share_their_fate_count_for_fewer():
    """One outage that empties a hundred budgets in one week says less than as many in different weeks."""
    told = np.full(1_000, 0.1)
    came = np.zeros(1_000)
    came[:150] = 1.0
    weeks = np.repeat(np.arange(10.0), 100)

    together = fitted(told, came, weeks, ProbabilityMap())
    apart = fitted(told, np.random.default_rng(4).permutation(came), weeks, ProbabilityMap())

    assert design_effect(came - 0.1, weeks) > 50
    assert 1.0 < together.ratio < 1.05 < apart.ratio


def test_an_error_of_the_start_is_not_taken_for_scatter():
    """Independent outcomes count whole, however far from what was told: the closed form for counts."""
    told, weeks = np.full(4_000, 0.02), np.repeat(np.arange(10.0), 400)
    came = (np.random.default_rng(3).random(4_000) < 0.005).astype(float)

    found = fitted(told, came, weeks, ProbabilityMap(1.0))

    assert found.ratio == pytest.approx((40 + came.sum()) / (40 + 80), rel=0.08)


@given(PROBABILITIES, PROBABILITIES, st.floats(0.0, 5.0))
def test_what_was_likelier_is_never_less_likely(one: float, other: float, ratio: float):
    low, high = sorted((one, other))

    assert 0.0 <= float(ProbabilityMap(ratio).of(low)) <= float(ProbabilityMap(ratio).of(high)) <= 1.0


@pytest.mark.parametrize("ratio", [0.5, 0.82, 1.0, 2.0])
def test_the_ratio_is_that_of_odds_so_what_is_certain_stays_certain(ratio: float):
    told = np.array([0.001, 0.2, 0.6, 0.99])

    given = ProbabilityMap(ratio).of(told)

    assert given / (1 - given) == pytest.approx(ratio * told / (1 - told))
    assert given[0] == pytest.approx(ratio * told[0], rel=2e-3)
    assert ProbabilityMap(ratio).of([0.0, 1.0]).tolist() == [0.0, 1.0]


@given(PROBABILITIES, PROBABILITIES, st.floats(0.0, 5.0), st.floats(-3.0, 3.0), st.floats(-1.0, 2.0))
def test_with_as_much_spent_what_was_likelier_is_never_less_likely(
    one: float, other: float, ratio: float, by_spent: float, spent: float
):
    low, high = sorted((one, other))
    map_ = ProbabilityMap(ratio, by_spent=by_spent)

    assert 0.0 <= float(map_.of(low, spent)) <= float(map_.of(high, spent)) <= 1.0


@given(PROBABILITIES, st.floats(0.1, 5.0), st.floats(0.0, 3.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_more_is_spent_the_likelier_it_is_by_the_shipped_maps(
    told: float, ratio: float, by_spent: float, one: float, other: float
):
    less, more = sorted((one, other))
    map_ = ProbabilityMap(ratio, by_spent=by_spent)

    assert float(map_.of(told, less)) <= float(map_.of(told, more))


@given(PROBABILITIES, st.floats(0.0, 1.0))
def test_without_a_correction_it_gives_out_what_was_told(told: float, spent: float):
    assert float(ProbabilityMap().of(told, spent)) == pytest.approx(told, abs=1e-12)


def test_beyond_nothing_and_the_whole_budget_what_is_spent_counts_no_further():
    known = ProbabilityMap(0.7, by_spent=0.8)

    assert known.of(0.2, [-3.0, 4.0]) == pytest.approx(known.of(0.2, [0.0, 1.0]))


def test_own_outcomes_move_the_ratio_on_top_of_what_is_spent():
    """Odds that are off by the shipped part exactly teach nothing: the ratio stays, whatever was spent."""
    random = np.random.default_rng(5)
    told, spent = random.beta(0.5, 4.0, 60_000), random.random(60_000)
    odds = 0.7 * np.exp(0.9 * spent) * told / (1 - told)
    came = (random.random(60_000) < odds / (1 + odds)).astype(float)

    right = fitted(told, came, np.arange(60_000.0), ProbabilityMap(0.7, by_spent=0.9), spent=spent)
    blind = fitted(told, came, np.arange(60_000.0), ProbabilityMap(0.7), spent=spent)

    assert right.ratio == pytest.approx(0.7, abs=0.03)
    assert (right.by_spent, right.outcomes) == (0.9, 60_000)
    assert blind.ratio > 0.9


@pytest.mark.parametrize("window", [ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_MONTH])
def test_the_shipped_maps_lower_what_is_told_the_less_the_more_is_spent(window: ComplianceWindow):
    known = ProbabilityMap.shipped(window)

    assert known.outcomes == 0
    assert 0.5 < known.ratio < 1.0
    assert 0.0 < known.by_spent < 1.5
