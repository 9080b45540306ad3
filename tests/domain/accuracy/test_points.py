from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import calibration_points, chance_band
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind

START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=28)


def levels(
    values: np.ndarray, *, services: int = 40, kind: ObjectiveKind = ObjectiveKind.AVAILABILITY
) -> list[Level]:
    """One window a level, services taking turns, months one after the other."""
    found = []
    for position, value in enumerate(values.tolist()):
        at = START + MONTH * (position // services)
        found.append(Level(f"s{position % services}", kind, at, at + MONTH, value, value, 90.0))
    return found


@pytest.mark.parametrize("n", [1, 7, 25, 140])
@pytest.mark.parametrize("promised", [0.5, 0.92, 0.99])
def test_the_band_is_the_binomial_laws(n: int, promised: float):
    expected = binom.ppf([0.025, 0.975], n, promised) / n

    assert chance_band(promised, float(n)) == pytest.approx(tuple(expected))


def test_an_honest_model_stays_within_the_band():
    honest = levels(np.random.default_rng(5).random(1_200))

    points = calibration_points(honest, CalibrationMap(), ObjectiveKind.AVAILABILITY)

    assert all(point.low <= point.attained <= point.high for point in points)
    assert points[0].windows == 1_200


def test_a_model_that_promises_too_much_falls_out_of_it():
    boastful = levels(np.random.default_rng(6).beta(2.0, 0.6, 1_200))

    points = calibration_points(boastful, CalibrationMap(), ObjectiveKind.AVAILABILITY)

    assert all(point.attained < point.low for point in points)


def test_the_right_map_brings_it_back():
    boastful = levels(np.random.default_rng(7).beta(2.0, 0.6, 2_000))

    points = calibration_points(boastful, CalibrationMap.beta(2.0, 0.6, "known"), ObjectiveKind.AVAILABILITY)

    assert [point.attained for point in points] == pytest.approx([point.promised for point in points], abs=0.03)


def test_without_a_finished_window_there_is_no_point():
    assert calibration_points([], CalibrationMap(), ObjectiveKind.LATENCY_P99) == ()
