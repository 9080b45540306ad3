"""The map of availability: by length of the window."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import shipped_map
from sloengine.domain.recommendation import shipped_calibration as shipped
from sloengine.domain.recommendation.availability_calibration import AvailabilityCalibration
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_calibration import ShippedMaps
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_availability import availability_probability, recommend_availability
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from tests.domain.recommendation.organizations import availability_request
from tests.domain.recommendation.test_tiers import PANEL, PRIOR

KIND = ObjectiveKind.AVAILABILITY
SETTINGS = EngineSettings()
LENGTHS = st.floats(min_value=0.0, max_value=400.0)


@given(history=LENGTHS, window=LENGTHS)
def test_the_shipped_map_makes_no_target_tighter(history: float, window: float):
    found = SETTINGS.calibration_of(KIND, history_days=history, window_days=window)

    asked = [(found.level_for(p), p) for p in SETTINGS.nominal_probability.values()]

    assert "504 simulated organisations" in found.source
    assert all(p - 1e-6 <= level <= SETTINGS.highest_level for level, p in asked)


def test_over_four_weeks_and_more_tiers_ask_the_model_for_what_they_promise():
    for window in (28.0, 30.0, 90.0):
        found = SETTINGS.calibration_of(KIND, history_days=30.0, window_days=window)

        for probability in SETTINGS.nominal_probability.values():
            assert found.level_for(probability) == pytest.approx(probability, abs=1e-6)


def test_over_a_week_the_aggressive_tier_asks_for_more_and_halfway_by_logarithm_for_half_of_that():
    week, between, month = (
        SETTINGS.calibration_of(KIND, history_days=30.0, window_days=window).probability_of(0.8)
        for window in (7.0, 14.0, 28.0)
    )

    assert week < between < month == pytest.approx(0.8, abs=1e-6)
    assert between == pytest.approx((week + month) / 2, abs=1e-9)


def test_an_own_map_goes_with_every_length():
    own = replace(CalibrationMap.beta(1.6, 0.6, "own windows of 28 days"), own_windows=100.0)
    taught = SETTINGS.with_own_maps({KIND: own})

    for window in (7.0, 28.0):
        found, bare = (
            one.calibration_of(KIND, history_days=30.0, window_days=window) for one in (taught, SETTINGS)
        )
        assert found.own_weight == 0.5
        assert "own windows of 28 days" in found.source
        expected = 0.5 * bare.probability_of(0.8) + 0.5 * own.probability_of(0.8)
        assert found.probability_of(0.8) == pytest.approx(expected, abs=1e-6)
    assert taught.with_own_maps({}) == SETTINGS


def test_a_map_of_a_week_decides_the_targets_of_a_week_and_no_others():
    rows = ((0.70, 0.80, 0.90, 0.99), (0.80, 0.90, 0.96, 0.995))
    maps = ShippedMaps((28.0,), (7.0, 28.0), (0.80, 0.90, 0.96, 0.995), (rows,), "made up")
    mapped = EngineSettings(availability_calibration=AvailabilityCalibration(maps))
    bare = EngineSettings(availability_calibration=AvailabilityCalibration())

    for window, changes in ((ComplianceWindow.ROLLING_7D, True), (ComplianceWindow.ROLLING_28D, False)):
        request = availability_request(PANEL, window=window)
        with_map, without = (recommend_availability(request, PRIOR, one) for one in (mapped, bare))
        assert isinstance(with_map, Recommendation)
        assert isinstance(without, Recommendation)
        looser, plain = (answer.tier(TierName.BALANCED).targets[0] for answer in (with_map, without))
        assert (looser.availability_ratio < plain.availability_ratio) is changes
        assert (looser.probability_met == plain.probability_met) is not changes
        met = availability_probability(request, PRIOR, mapped, looser.availability_ratio)
        assert met == looser.probability_met >= 0.92 - 0.001


def test_without_a_map_promises_are_what_the_model_says_and_one_map_may_hold_for_all_lengths():
    known = CalibrationMap.beta(1.4, 0.8, "known")

    assert AvailabilityCalibration().of(history_days=9.0, window_days=7.0) == CalibrationMap()
    for same in (known, CalibrationMap()):
        always = AvailabilityCalibration.always(same)
        for window in (7.0, 28.0, 90.0):
            assert always.of(history_days=9.0, window_days=window).probability_of(0.8) == same.probability_of(0.8)


def test_shares_are_counted_where_draws_tie_with_the_outcome_by_their_part():
    half = np.array([0.0, 0.0, 0.9, 0.9]), np.array([1.0, 1.0, 0.9, 0.9])

    counted = dict(zip(shipped_map.LEVELS, shipped_map.attained_of(*half), strict=True))

    assert counted[0.8] == pytest.approx(0.4, abs=1e-3)
    assert counted[0.92] == pytest.approx(0.96, abs=1e-3)
    assert (np.diff(list(counted.values())) > 0).all()


def test_the_recipe_writes_the_map_that_is_shipped():
    written = Path(inspect.getfile(shipped)).read_text()

    assert shipped_map.module_text(np.array(shipped.ATTAINED), shipped.ORGANIZATIONS) == written
