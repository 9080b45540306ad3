from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels
from sloengine.domain.forecast.spent_quantiles import PROBABILITIES, spent_at_most

RNG = np.random.default_rng(3)


def told(peaks: np.ndarray, exhausted: float, spent: float = 0.0, levels: AdaptiveLevels | None = None):
    found = spent_at_most(peaks, levels or AdaptiveLevels.fresh(), exhausted=exhausted, spent=spent)
    assert tuple(one.probability for one in found) == PROBABILITIES
    return [one.spent for one in found]


def test_where_levels_and_probability_agree_they_are_the_quantiles_of_the_draws():
    peaks = RNG.gamma(2.0, 0.3, 1_000)

    found = told(peaks, exhausted=float((peaks > 1).mean()))

    assert found == pytest.approx(np.quantile(peaks, PROBABILITIES, method="inverted_cdf"))


def test_levels_that_have_learnt_to_be_wider_give_more():
    peaks = RNG.gamma(2.0, 0.1, 1_000)
    wider = AdaptiveLevels(np.minimum(LEVELS * 1.04, 0.999))

    assert all(np.array(told(peaks, 0.0, levels=wider)) > np.array(told(peaks, 0.0)))


def test_where_they_differ_the_told_probability_holds_and_the_bounds_go_as_far_as_they_must():
    """Uniform draws in [0, 2]: by the levels even odds of running out, and bounds of 1, 1.6, 1.8 and 1.9."""
    peaks = np.linspace(0.0005, 1.9995, 2_000)

    likely, unlikely, never = (told(peaks, exhausted) for exhausted in (0.7, 0.15, 0.01))

    assert likely == pytest.approx([1.0005, 1.6, 1.8, 1.9], abs=1e-3)
    assert likely[0] > 1
    assert unlikely == pytest.approx([1.0, 1.0, 1.8, 1.9], abs=1e-3)
    assert max(unlikely[:2]) <= 1
    assert never == pytest.approx([1.0, 1.0, 1.0, 1.0], abs=1e-3)
    assert max(never) <= 1


def test_what_is_spent_is_no_less_later_though_it_falls_out_of_the_window():
    assert told(np.linspace(0.1, 0.5, 101), exhausted=0.0, spent=0.4) == pytest.approx([0.4, 0.42, 0.46, 0.48])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.999, 1.0, 1.0 + 1e-12, 1.3, 4.0]), min_size=1, max_size=40),
    st.lists(st.lists(st.floats(0, 1), max_size=30), max_size=20),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_bounds_rise_hold_what_is_spent_and_never_contradict_the_probability(peaks, history, told_share, spent):
    draws = np.array(peaks)
    levels = AdaptiveLevels.fresh()
    for ranks in history:
        levels = levels.after(np.array(ranks))
    # As the engine's map: nothing where no draw runs out.
    exhausted = told_share if (draws > 1).any() else 0.0

    found = told(draws, exhausted, spent, levels)

    assert found == sorted(found)
    assert found[0] >= spent
    for probability, bound in zip(PROBABILITIES, found, strict=True):
        assert (bound > 1) == (probability > 1 - exhausted)
