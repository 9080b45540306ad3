from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels, random_rank


def test_levels_cover_what_they_say_within_a_point_though_the_model_is_wrong_and_changes():
    """A model that is too sure, then too vague, and always too low: coverage is right in the long run."""
    rng = np.random.default_rng(4)
    levels, covered, believed = AdaptiveLevels.fresh(), [], []
    for origin in range(1_050):
        true = rng.standard_normal(60) * (1.3 if origin < 500 else 0.8) + 0.2
        ranks = norm.cdf(true)
        if origin >= 50:
            covered.append((ranks[:, None] <= levels.used).mean(axis=0))
            believed.append((ranks[:, None] <= LEVELS).mean(axis=0))
        levels = levels.after(ranks)

    assert np.abs(np.mean(covered, axis=0) - LEVELS).max() < 0.01
    assert np.abs(np.mean(believed, axis=0) - LEVELS).max() > 0.02


def test_an_outcome_that_is_one_more_draw_has_a_uniform_rank_ties_or_not():
    rng = np.random.default_rng(5)
    ranks = [
        random_rank(np.sort(rng.poisson(0.7, 50).astype(float)), rng.poisson(0.7), rng.random())
        for _ in range(4_000)
    ]

    assert kstest(ranks, "uniform").pvalue > 0.001


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), max_size=30), max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_levels_stay_in_order_and_lead_there_and_back(history, first, second):
    levels = AdaptiveLevels.fresh()
    for ranks in history:
        levels = levels.after(np.array(ranks))

    low, high = sorted((first, second))
    assert np.all(np.diff(levels.used) >= 0)
    assert levels.own_level(low) <= levels.own_level(high)
    assert levels.true_level(low) <= levels.true_level(high)
    assert (levels.true_level(0.0), levels.true_level(1.0)) == (0.0, pytest.approx(1.0))
    assert AdaptiveLevels.from_dict(levels.to_dict()).used == pytest.approx(levels.used)


def test_levels_of_another_schema_are_refused():
    with pytest.raises(ValueError, match="schema"):
        AdaptiveLevels.from_dict({**AdaptiveLevels.fresh().to_dict(), "schema": 0})
