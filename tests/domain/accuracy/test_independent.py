"""What windows are worth that share outages and time, beside worlds in which the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from bench.shared_luck import LEVELS, shared_truth
from bench.worth_trial import ASKED, found, levels_of, off_by, organisation
from sloengine.domain.accuracy.calibrate import independent_windows
from sloengine.domain.accuracy.independent import (
    USUAL_LATENT,
    binary_correlation,
    usual_correlation,
    usual_design_effect,
)
from sloengine.domain.accuracy.points import calibration_points
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind
from tests.domain.accuracy.test_points import levels


def quiet(services: int, windows: int) -> np.ndarray:
    """Levels of a time in which every window held at whatever level is asked for."""
    return np.random.default_rng([services, windows]).uniform(0.0, 0.5, (windows, services))


@pytest.mark.parametrize("probability", [0.8, 0.92, 0.98])
def test_the_correlation_of_two_events_is_that_of_the_bivariate_normal_law(probability: float):
    score = norm.ppf(probability)
    both = multivariate_normal(cov=[[1.0, USUAL_LATENT], [USUAL_LATENT, 1.0]]).cdf([score, score])

    expected = (both - probability**2) / (probability * (1 - probability))

    assert binary_correlation(probability, USUAL_LATENT) == pytest.approx(expected, abs=1e-4)


def test_services_share_as_much_as_is_counted_from_the_truth_of_simulated_organisations_at_every_level():
    """Under the normal law alone it would be half of that at 0.98, and the band of chance too narrow."""
    truth = np.array([shared_truth(seed, windows=1_500) for seed in range(30)]).mean(axis=0)
    month = levels(np.zeros(50), services=50)

    for level, counted in zip(LEVELS, truth.tolist(), strict=True):
        assert counted < usual_correlation(level) < 1.6 * counted
        assert usual_design_effect(month, level) == pytest.approx(1 + 49 * usual_correlation(level))
    assert binary_correlation(0.98, USUAL_LATENT) < 0.6 * truth[-1]


def test_windows_of_one_service_that_overlap_are_counted_for_what_is_new_in_them():
    [first] = levels(np.zeros(1))
    half = (first.ends_at - first.as_of) / 2
    second = replace(first, as_of=first.as_of + half, ends_at=first.ends_at + half)

    found = usual_design_effect([first, second], 0.9)

    assert found == pytest.approx(1 + 0.5 + 0.5 * usual_correlation(0.9))
    assert usual_design_effect([first], 0.9) == 1.0
    # Of two organisations nothing is shared, whatever the time.
    other = replace(first, service_id="other")
    assert usual_design_effect([first, other], 0.9, {first.service_id: "a", "other": "b"}) == 1.0
    assert usual_design_effect([first, other], 0.9) > 1.0


@given(st.integers(2, 40), st.integers(3, 8))
@settings(max_examples=20, deadline=None)
def test_however_many_services_were_spared_they_are_worth_no_more_than_the_time_they_shared(
    services: int, windows: int
):
    few, many = (independent_windows(levels_of(quiet(n, windows))) for n in (services, 10 * services))

    most = windows / binary_correlation(0.8, USUAL_LATENT)
    assert 0 < few <= many <= most


def test_five_hundred_services_spared_by_three_windows_are_no_fifteen_hundred_observations():
    """n counts windows that do not overlap, and those of one quiet stretch of time are hardly more than one."""
    spared = levels_of(quiet(500, 3))

    assert 10 < independent_windows(spared) < 45  # 500 were they told apart by service alone
    one_missed = [replace(spared[0], low=0.99, high=0.99), *spared[1:]]
    assert independent_windows(one_missed) < 45  # a single miss does not show how much is shared


def test_the_band_of_a_quiet_time_is_as_wide_as_what_it_is_worth():
    """That all of 500 services held in three windows is no proof that a promise of 98 % is too careful."""
    points = calibration_points(levels_of(quiet(500, 3)), CalibrationMap(), ObjectiveKind.AVAILABILITY)

    assert all(point.high == 1.0 for point in points if point.promised >= 0.92)


@pytest.mark.parametrize(("services", "windows"), [(100, 4), (40, 13)])
def test_where_outages_are_shared_windows_are_worth_what_the_truth_says_and_seldom_far_more(
    services: int, windows: int
):
    """Truth: p (1 - p) over the variance of the share met, counted over organisations that share outages."""
    rng = np.random.default_rng([services, windows])
    drawn = [organisation(rng, services, windows, 0.25, 0.16) for _ in range(60)]
    truth = min(p * (1 - p) / np.var([(values <= p).mean() for values in drawn]) for p in ASKED)

    worth, by_scatter = np.array([found(levels_of(values)) for values in drawn]).T

    assert truth < services * windows / 2
    assert np.mean(worth > 2 * truth) <= 0.05
    assert np.all(worth <= np.maximum(by_scatter, truth))
    if windows > 10:
        assert np.median(worth) > truth / 8  # and not next to nothing: it would never learn


def test_six_windows_without_a_shared_outage_bend_a_right_map_far_less_than_scatter_would():
    """Of the law above, given that no outage came: few missed, each service for itself, so nothing scatters."""
    rng = np.random.default_rng(26)
    spared = [0.96 * rng.random((6, 300)) for _ in range(4)]

    both = np.array([[off_by(values, n) for n in found(levels_of(values))] for values in spared])

    now, by_scatter = np.sqrt((both**2).mean(axis=0))
    assert 0.002 < now < 0.7 * by_scatter


def test_services_that_share_nothing_are_believed_after_a_few_years():
    alone = levels(np.random.default_rng(11).random(2_400))  # forty services, sixty windows

    assert independent_windows(alone) > 400
