from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import kstest

from sloengine.domain.drift.baseline import (
    HOURS_A_DAY,
    HOURS_A_WEEK,
    MOST_SCORE,
    fit_baseline,
    normal_scores,
)
from sloengine.domain.reliability.panel import FloatArray


def autoregressive(random: np.random.Generator, lag1: float, hours: int) -> FloatArray:
    drawn = random.standard_normal(hours + 300) * np.sqrt(1 - lag1**2)
    return lfilter([1.0], [1.0, -lag1], drawn)[300:]


def weekly(hours: int) -> FloatArray:
    at = np.arange(hours)
    return 5 + 3 * np.sin(2 * np.pi * at / 24) + 2.0 * ((at // 24) % 7 >= 5)


@pytest.mark.parametrize("lag1", [0.0, 0.6, 0.9])
def test_scores_of_new_hours_are_standard_normal_and_without_memory(lag1: float):
    random = np.random.default_rng(11)
    lags, means, spreads = [], [], []
    for _ in range(30):
        values = autoregressive(random, lag1, 12 * HOURS_A_WEEK) + weekly(12 * HOURS_A_WEEK)
        past, new = values[: 8 * HOURS_A_WEEK], values[8 * HOURS_A_WEEK :]
        baseline = fit_baseline(past, 0, noise=1e-6)
        assert baseline is not None

        _, before = baseline.scores(past, 0, np.empty(0))
        scores, _ = baseline.scores(new, len(past), before)

        lags.append(np.corrcoef(scores[1:], scores[:-1])[0, 1])
        means.append(scores.mean())
        spreads.append(scores.std())
    assert abs(np.mean(lags)) < 0.02
    assert abs(np.mean(means)) < 0.03
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("lag1", [0.6, 0.9])
@pytest.mark.parametrize("share_known", [0.25, 0.5, 0.75])
def test_scores_behind_gaps_are_as_wide_as_others_and_without_memory(lag1: float, share_known: float):
    behind, others, pairs = [], [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        values = autoregressive(random, lag1, 12 * HOURS_A_WEEK) + weekly(12 * HOURS_A_WEEK)
        values[random.random(len(values)) > share_known] = np.nan
        past, new = values[: 8 * HOURS_A_WEEK], values[8 * HOURS_A_WEEK :]
        baseline = fit_baseline(past, 0, noise=1e-6)
        assert baseline is not None

        _, before = baseline.scores(past, 0, np.empty(0))
        scores, _ = baseline.scores(new, len(past), before)

        at = np.flatnonzero(~np.isnan(scores))
        is_behind = np.diff(at) > 1
        behind.extend(scores[at[1:][is_behind]])
        others.extend(scores[at[1:][~is_behind]])
        pairs.extend(zip(scores[at[:-1][is_behind]], scores[at[1:][is_behind]], strict=True))
    first, second = np.array(pairs).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.08
    assert np.std(behind) / np.std(others) == pytest.approx(1.0, abs=0.1)


def test_four_weeks_are_known_by_hour_of_week_and_fewer_by_hour_of_day():
    values = weekly(4 * HOURS_A_WEEK) + np.random.default_rng(2).standard_normal(4 * HOURS_A_WEEK) * 0.1

    whole = fit_baseline(values, 0, noise=1e-6)
    short = fit_baseline(values[1:], 1, noise=1e-6)

    assert whole is not None
    assert short is not None
    assert len(whole.rhythm) == HOURS_A_WEEK
    assert len(short.rhythm) == HOURS_A_DAY
    assert np.abs(whole.rhythm - weekly(HOURS_A_WEEK)).max() < 0.3


def test_chance_does_not_become_a_rhythm():
    values = np.random.default_rng(4).standard_normal(8 * HOURS_A_WEEK)

    baseline = fit_baseline(values, 0, noise=1e-6)

    assert baseline is not None
    assert baseline.rhythm.std() < 0.6 * np.sqrt(1 / 8)  # the plain means of eight weeks


def test_scores_are_as_wide_where_the_past_is_sparse():
    spreads = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        values = random.standard_normal(12 * HOURS_A_WEEK) + weekly(12 * HOURS_A_WEEK)
        past, new = values[: 8 * HOURS_A_WEEK], values[8 * HOURS_A_WEEK :]
        past[random.random(len(past)) > 0.35] = np.nan
        baseline = fit_baseline(past, 0, noise=1e-6)
        assert baseline is not None

        scores, _ = baseline.scores(new, len(past), np.empty(0))

        spreads.append(scores.std())
    assert np.mean(spreads) == pytest.approx(1.0, abs=0.2)  # 1.35 where what is missing counts as steady


@pytest.mark.parametrize(
    ("seen", "slots"),
    [
        pytest.param(lambda hour, weeks: (hour % 24 == 0) | (weeks < 2), HOURS_A_DAY, id="hourly for two weeks"),
        pytest.param(lambda hour, weeks: (hour % 24 == 0) | (weeks < 3), HOURS_A_DAY, id="hourly for three weeks"),
        pytest.param(lambda hour, weeks: (hour % 24 == 0) | (weeks < 4), HOURS_A_WEEK, id="hourly for four weeks"),
        pytest.param(lambda hour, weeks: (weeks < 2) | (weeks >= 6), HOURS_A_WEEK, id="four weeks, a gap between"),
        pytest.param(lambda hour, weeks: hour % 24 < 8, HOURS_A_WEEK, id="eight hours a day all along"),
        pytest.param(lambda hour, weeks: hour * 7919 % 101 < 35, HOURS_A_WEEK, id="one hour of three all along"),
        pytest.param(lambda hour, weeks: hour * 7919 % 101 < 15, HOURS_A_DAY, id="one hour of seven all along"),
    ],
)
def test_a_rhythm_of_the_week_is_learnt_of_four_weeks(
    seen: Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], np.ndarray[Any, Any]], slots: int
):
    hours = np.arange(8 * HOURS_A_WEEK)
    values = np.random.default_rng(3).standard_normal(len(hours)) + weekly(len(hours))
    values[~seen(hours, (len(hours) - 1 - hours) // HOURS_A_WEEK)] = np.nan

    baseline = fit_baseline(values, 0, noise=1e-6)

    assert baseline is not None
    assert len(baseline.rhythm) == slots


def test_judging_in_pieces_gives_the_same_scores():
    values = autoregressive(np.random.default_rng(6), 0.8, 6 * HOURS_A_WEEK)
    values[700:703] = np.nan
    baseline = fit_baseline(values[:600], 0, noise=1e-6)
    assert baseline is not None

    at_once, _ = baseline.scores(values[600:], 600, values[600 - len(baseline.memory) : 600] - 0)
    before, pieces = values[600 - len(baseline.memory) : 600] - 0, []
    for start in range(600, len(values), 7):
        scores, before = baseline.scores(values[start : start + 7], start, before)
        pieces.append(scores)

    np.testing.assert_allclose(np.concatenate(pieces), at_once)
    assert np.isnan(at_once[100:103]).all()


def test_scores_inside_the_reference_are_normal_whatever_its_shape():
    reference = np.sort(np.random.default_rng(8).exponential(size=2_000) ** 2)
    fresh = np.random.default_rng(9).exponential(size=2_000) ** 2

    scores = normal_scores(fresh, reference, 1e-6)

    assert kstest(scores, "norm").pvalue > 0.01


def test_scores_never_fall_as_the_value_rises_and_have_an_end():
    reference = np.sort(np.random.default_rng(10).standard_t(3, 500))

    scores = normal_scores(np.linspace(-200, 200, 4_001), reference, 1e-6)

    assert (np.diff(scores) >= 0).all()
    assert scores.min() == -MOST_SCORE
    assert scores.max() == MOST_SCORE


def test_what_has_happened_before_is_no_surprise():
    quiet = np.random.default_rng(12).standard_normal(1_000)
    troubled = quiet.copy()
    troubled[::100] = 20

    calm, used_to_it = (normal_scores(np.array([20.0]), np.sort(past), 1e-6)[0] for past in (quiet, troubled))

    assert calm == MOST_SCORE
    assert used_to_it < 3


def test_a_series_that_never_moved_scores_nothing_until_it_moves():
    baseline = fit_baseline(np.full(700, 45.0), 0, noise=0.045)
    assert baseline is not None

    scores, _ = baseline.scores(np.array([45.0, 45.0, 60.0]), 700, np.zeros(len(baseline.memory)))

    assert scores == pytest.approx([0.0, 0.0, MOST_SCORE])


def test_too_few_values_carry_no_baseline():
    values = np.full(1_000, np.nan)
    values[:100] = 1.0

    assert fit_baseline(values, 0, noise=1.0) is None
