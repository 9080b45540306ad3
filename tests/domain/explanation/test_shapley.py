from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sloengine.domain.explanation.multilinear import failure_shares
from sloengine.domain.explanation.shapley import coalitions, shapley_values

games = st.integers(1, 5).flatmap(
    lambda players: hnp.arrays(np.float64, 1 << players, elements=st.floats(-100, 100, width=32))
)
probabilities = hnp.arrays(np.float64, st.integers(1, 9), elements=st.floats(0, 1))


@given(games)
def test_values_are_the_mean_over_all_orders_of_arrival(values: np.ndarray):
    players = len(values).bit_length() - 1
    orders = list(permutations(range(players)))
    expected = np.zeros(players)
    for order in orders:
        arrived = 0
        for player in order:
            expected[player] += values[arrived | 1 << player] - values[arrived]
            arrived |= 1 << player

    np.testing.assert_allclose(shapley_values(values), expected / len(orders), atol=1e-9)


def test_a_coalition_is_its_row_in_binary():
    assert coalitions(3)[5].tolist() == [True, False, True]
    with pytest.raises(ValueError, match="16 players"):
        coalitions(17)
    with pytest.raises(ValueError, match="power of two"):
        shapley_values(np.zeros(3))


@given(probabilities)
def test_shares_of_a_product_are_the_enumerated_ones(p: np.ndarray):
    fails = np.array([1.0 - np.prod(1.0 - p[row]) for row in coalitions(len(p))])

    np.testing.assert_allclose(failure_shares(p), shapley_values(fails), atol=1e-12)


@settings(deadline=None)
@given(st.integers(1, 6_000), st.floats(1e-9, 0.5), st.integers(0, 2**32 - 1))
def test_shares_of_thousands_of_parts_add_up(parts: int, largest: float, seed: int):
    p = largest * np.random.default_rng(seed).random(parts)

    assert failure_shares(p).sum() == pytest.approx(-np.expm1(np.log1p(-p).sum()), rel=1e-11)


def test_a_part_that_fails_more_has_the_larger_share():
    shares = failure_shares(np.array([0.0, 0.1, 0.1, 0.4]))

    assert shares[0] == 0.0
    assert shares[1] == pytest.approx(shares[2])
    assert shares[3] > shares[2]
