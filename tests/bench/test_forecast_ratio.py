from __future__ import annotations

import numpy as np
import pytest

from bench.forecast_ratio import coefficients, log_loss, log_odds, one_left_out, shipped_map


def rows(n: int, organizations: int, constant: float, by_spent: float, seed: int) -> np.ndarray:
    """As ``told_and_came``: odds told times exp(constant + by_spent * spent) come."""
    random = np.random.default_rng(seed)
    told, spent = random.beta(0.6, 5.0, n), random.random(n)
    odds = np.exp(constant + by_spent * spent) * told / (1 - told)
    came = (random.random(n) < odds / (1 + odds)).astype(float)
    return np.c_[random.integers(0, organizations, n), np.zeros(n), np.zeros(n), told, came, spent]


def test_many_outcomes_give_the_ratio_and_its_course_away():
    found = shipped_map(rows(120_000, 40, -0.5, 0.8, 1))

    assert np.log(found.ratio) == pytest.approx(-0.5, abs=0.06)
    assert found.by_spent == pytest.approx(0.8, abs=0.1)


def test_without_evidence_nothing_is_corrected():
    nothing = shipped_map(np.zeros((0, 6)))
    never_likely = np.zeros((50, 6))

    assert (nothing.ratio, nothing.by_spent) == (1.0, 0.0)
    assert shipped_map(never_likely).ratio == pytest.approx(1.0, abs=0.05)


def test_few_outcomes_are_drawn_towards_no_correction():
    """A quarter comes of what is told with a half: a third of the odds, with nothing spent."""

    def ratio(n: int) -> float:
        came = np.tile([1.0, 0.0, 0.0, 0.0], n // 4)
        return shipped_map(np.c_[np.arange(float(n)), np.zeros((n, 2)), np.full(n, 0.5), came, np.zeros(n)]).ratio

    assert ratio(40_000) == pytest.approx(1 / 3, rel=0.01)
    assert 1 / 3 < ratio(40) < ratio(8) < 1.0


def test_outcomes_that_share_their_fate_count_for_fewer():
    """The same outcomes, in organisations in which all or nothing runs out, teach less."""
    apart = rows(400, 400, 0.0, 0.0, 3)
    apart[:, 3], apart[:, 4] = 0.2, np.repeat([1.0, 0.0], 200)
    apart[:, 0] = np.arange(400.0)
    together = apart.copy()
    together[:, 0] = np.repeat(np.arange(8.0), 50)

    assert 0.0 < np.log(shipped_map(together).ratio) < 0.8 * np.log(shipped_map(apart).ratio)


def test_the_coefficients_are_the_mode_of_likelihood_and_prior():
    """Brute force over a grid of constants; each outcome is its own cluster, and scatter is that of chance."""
    sample = rows(300, 300, -0.4, 0.0, 4)
    offset, came = log_odds(sample[:, 3]), sample[:, 4]
    grid = np.linspace(-2, 1, 6_001)
    odds = offset + grid[:, None]
    density = (came * odds - np.logaddexp(0, odds)).sum(axis=1) - grid**2 / 2

    found = coefficients(np.ones((300, 1)), offset, came, np.arange(300.0))

    assert found[0] == pytest.approx(grid[np.argmax(density)], abs=2e-3)


def test_leaving_one_out_covers_what_is_true():
    ratio, by_spent = one_left_out(rows(20_000, 16, -0.5, 0.8, 6))

    assert ratio[0] < np.exp(-0.5) < ratio[1]
    assert by_spent[0] < 0.8 < by_spent[1]
    assert ratio[1] - ratio[0] < 0.4


def test_log_loss_is_that_of_a_coin():
    assert log_loss(np.full(10, 0.5), np.tile([0.0, 1.0], 5)) == pytest.approx(np.log(2))
