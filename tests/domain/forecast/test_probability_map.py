from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.forecast.learnt import Learnt
from sloengine.domain.forecast.probability_map import ProbabilityMap, design_effect, fitted

PROBABILITIES = st.floats(0, 1)


def outcomes(ratio: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What was told, and what came when only ``ratio`` of it is true."""
    random = np.random.default_rng(seed)
    told = random.beta(0.5, 8, n)
    return told, (random.random(n) < ratio * told).astype(float)


def test_many_independent_outcomes_give_the_truth_away():
    told, came = outcomes(0.7, 40_000, 1)

    found = fitted(told, came, np.arange(40_000.0), ProbabilityMap())

    assert found.ratio == pytest.approx(0.7, abs=0.04)
    assert found.outcomes == 40_000


def test_the_estimate_is_the_mean_of_a_gamma_posterior():
    """Brute force over a grid of ratios, with a Poisson likelihood: the independent source."""
    told, came = outcomes(0.6, 800, 2)
    grid = np.linspace(0.01, 3, 30_000)
    log_density = (40 * 0.9 - 1 + came.sum()) * np.log(grid) - (40 + told.sum()) * grid
    density = np.exp(log_density - log_density.max())

    found = fitted(told, came, np.arange(800.0), ProbabilityMap(0.9))

    worth = design_effect(came - 0.9 * told, np.arange(800.0))
    assert worth == pytest.approx(1.0)
    assert found.ratio == pytest.approx((grid * density).sum() / density.sum(), rel=1e-3)


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


def test_what_was_learnt_survives_being_written_and_another_schema_is_refused():
    known = Learnt(Learnt.fresh().levels, ProbabilityMap(0.9, 12))

    again = Learnt.from_dict(known.to_dict())

    assert again.probability == known.probability
    assert np.array_equal(again.levels.used, known.levels.used)
    with pytest.raises(ValueError, match="schema"):
        Learnt.from_dict(known.levels.to_dict())
