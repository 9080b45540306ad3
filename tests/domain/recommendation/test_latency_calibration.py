"""The maps of latency: of each percentile, by length of history and of the window."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import shipped_latency_map
from sloengine.domain.recommendation import shipped_latency_calibration as shipped
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_calibration import LatencyCalibration, ShippedMaps
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.settings import EngineSettings

KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
LENGTHS = st.floats(min_value=0.0, max_value=400.0)
TABLE = ShippedMaps((14.0, 90.0), (7.0, 28.0), (0.5,), (((0.4,), (0.6,)), ((0.5,), (0.8,))), "made up")


@pytest.mark.parametrize(
    ("history", "window", "attained"),
    [
        (14.0, 7.0, 0.4),
        (14.0, 28.0, 0.6),
        (90.0, 28.0, 0.8),
        (3.0, 1.0, 0.4),
        (365.0, 90.0, 0.8),
        (14.0, 14.0, 0.5),  # halfway between 7 and 28, by logarithm
        ((14 * 90) ** 0.5, 28.0, 0.7),
        ((14 * 90) ** 0.5, 14.0, 0.575),
    ],
)
def test_between_two_lengths_it_is_linear_in_their_logarithms(history: float, window: float, attained: float):
    assert TABLE.at(history, window).probability_of(0.5) == pytest.approx(attained, abs=1e-4)


@given(history=LENGTHS, window=LENGTHS, kind=st.sampled_from(KINDS), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_level_never_holds_less_often(history, window, kind, low, high):
    found = EngineSettings().calibration_of(kind, history_days=history, window_days=window)
    low, high = sorted((low, high))

    assert 0.0 <= found.probability_of(low) <= found.probability_of(high) <= 1.0
    assert found.level_for(found.probability_of(low)) == pytest.approx(low, abs=1e-9)


@given(history=LENGTHS, window=LENGTHS, kind=st.sampled_from(KINDS))
def test_every_tier_can_be_asked_of_the_shipped_maps(history, window, kind):
    settings = EngineSettings()
    found = settings.calibration_of(kind, history_days=history, window_days=window)

    levels = [found.level_for(settings.nominal_probability[name]) for name in TierName]

    assert settings.highest_level >= levels[0] > levels[1] > levels[2] > 0.5


def test_without_maps_promises_are_what_the_model_says():
    found = LatencyCalibration().of(KINDS[0], history_days=30.0, window_days=28.0)

    assert found == CalibrationMap()
    with pytest.raises(ValueError, match="no latency objective"):
        LatencyCalibration().of(ObjectiveKind.AVAILABILITY, history_days=30.0, window_days=28.0)


def test_it_tightens_only_as_far_as_is_certain():
    """Shares of two kinds of organisations, attained in every level of one history, window and percentile."""
    levels = np.array(shipped_latency_map.LEVELS)
    certain = np.broadcast_to(np.minimum(levels + 0.05, 0.999), (100, len(levels)))
    uncertain = certain + np.where(np.arange(100) % 2, 0.3, -0.3)[:, None]
    worse = np.broadcast_to(levels * 0.9, (100, len(levels)))

    kept = [
        shipped_latency_map.attained_of(one[None, :, None, None, :])[0, 0, 0]
        for one in (certain, uncertain, worse)
    ]

    eighty = shipped_latency_map.LEVELS.index(0.8)
    assert kept[0][eighty] == pytest.approx(0.85, abs=0.003)
    assert kept[1][eighty] == pytest.approx(0.8, abs=0.003)  # 0.85 - 1.98 * 0.3 / 10 lies below the level
    assert kept[2][eighty] == pytest.approx(0.72, abs=0.003)
    assert all((np.diff(one) > 0).all() for one in kept)


def test_the_recipe_writes_the_maps_that_are_shipped():
    attained = np.array([shipped.P95_ATTAINED, shipped.P99_ATTAINED])

    text = shipped_latency_map.module_text(attained, shipped.ORGANIZATIONS)

    assert text == Path(inspect.getfile(shipped)).read_text()
    assert "256 simulated organisations" in shipped.SOURCE
