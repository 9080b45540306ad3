from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.explanation.failures_by_source import failures_by_source


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(0, 4))
def test_every_failure_has_one_source(seed: int, days: int, sources: int):
    rng = np.random.default_rng(seed)
    bad = rng.poisson(rng.lognormal(0, 2, days)).astype(float)
    guesses = rng.random((sources, days)) * (rng.random((sources, days)) < 0.3)
    shares = rng.dirichlet(np.ones(sources + 1))[1:] if sources else np.zeros(0)

    table = failures_by_source(bad, guesses, shares)

    assert table.shape == (1 + sources, days)
    assert (table >= 0).all()
    np.testing.assert_allclose(table.sum(axis=0), bad, rtol=1e-9, atol=1e-9)


def test_failures_go_to_the_days_on_which_the_source_failed():
    bad = np.array([10.0, 10.0, 500.0, 10.0])
    guess = np.array([[0.0, 0.0, 480.0, 0.0]])

    own, inherited = failures_by_source(bad, guess, np.array([480 / 530]))

    np.testing.assert_allclose(inherited, [0.0, 0.0, 480.0, 0.0], atol=0.5)
    np.testing.assert_allclose(own, [10.0, 10.0, 20.0, 10.0], atol=0.5)


def test_a_source_of_which_nothing_is_known_is_spread_with_the_failures():
    bad = np.array([4.0, 4.0, 4.0, 4.0])

    _, inherited = failures_by_source(bad, np.zeros((1, 4)), np.array([0.25]))

    np.testing.assert_allclose(inherited, np.ones(4), rtol=1e-6)


def test_without_failures_there_is_nothing_to_split():
    assert failures_by_source(np.zeros(3), np.ones((2, 3)), np.array([0.5, 0.2])).sum() == 0.0
