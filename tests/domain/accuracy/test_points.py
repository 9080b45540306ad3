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


def test_in_one_block_of_time_chance_cannot_be_told():
    one_month = levels(np.full(40, 0.97), services=40)

    points = calibration_points(one_month, CalibrationMap(), ObjectiveKind.AVAILABILITY)

    assert {(point.low, point.high) for point in points} == {(0.0, 1.0)}


def test_clusters_that_were_named_are_the_observations():
    luck = np.repeat([0.1, 0.4, 0.7, 0.95], 10)  # ten services of a site share it for good
    shared = levels(np.tile(luck, 30), services=40)
    sites = {f"s{service}": f"site {service // 10}" for service in range(40)}

    alone, together = (
        calibration_points(shared, CalibrationMap(), ObjectiveKind.AVAILABILITY, clusters=clusters)
        for clusters in (None, sites)
    )

    assert together[0].high - together[0].low > 1.5 * (alone[0].high - alone[0].low)


def test_named_clusters_give_a_band_within_one_block_of_time():
    one_month = levels(np.random.default_rng(10).random(40), services=40)
    sites = {f"s{service}": f"site {service // 4}" for service in range(40)}

    points = calibration_points(one_month, CalibrationMap(), ObjectiveKind.AVAILABILITY, clusters=sites)

    assert all(point.low > 0.0 for point in points)
