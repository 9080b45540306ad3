"""The maps of latency: of each percentile, by length of history and window, and by how often and how long slow
spells come.
"""

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
from sloengine.domain.recommendation.latency_calibration import LatencyCalibration, MapsByRate, ShippedMaps
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.settings import EngineSettings

KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
LENGTHS = st.floats(min_value=0.0, max_value=400.0)
RATES = st.floats(min_value=0.0, max_value=1.5)
EIGHTY = shipped_latency_map.LEVELS.index(0.8)
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


@pytest.mark.parametrize(
    ("spells_per_day", "attained"),
    [(0.02, 0.8), (0.001, 0.8), (0.08, 0.4), (0.9, 0.4), (0.04, 0.6), ((0.04 * 0.08) ** 0.5, 0.5), (None, 0.6)],
)
def test_between_two_rates_it_is_linear_in_their_logarithm(spells_per_day: float | None, attained: float):
    maps = MapsByRate(
        (0.02, 0.04, 0.08),
        tuple(ShippedMaps((28.0,), (28.0,), (0.5,), (((at,),),), "made up") for at in (0.8, 0.6, 0.4)),
    )

    found = maps.at(30.0, 7.0, spells_per_day)

    assert found.probability_of(0.5) == pytest.approx(attained, abs=1e-9)
    assert found.source == "made up"


def in_force(kind: ObjectiveKind, history: float, window: float, rate: float) -> CalibrationMap:
    return EngineSettings().calibration_of(kind, history_days=history, window_days=window, spells_per_day=rate)


@given(
    history=LENGTHS,
    window=LENGTHS,
    kind=st.sampled_from(KINDS),
    rate=RATES,
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_a_higher_level_never_holds_less_often(history, window, kind, rate, low, high):
    found = in_force(kind, history, window, rate)
    low, high = sorted((low, high))

    assert 0.0 <= found.probability_of(low) <= found.probability_of(high) <= 1.0
    assert found.level_for(found.probability_of(low)) == pytest.approx(low, abs=1e-9)


@given(history=LENGTHS, window=LENGTHS, kind=st.sampled_from(KINDS), rate=RATES)
def test_every_tier_can_be_asked_of_the_shipped_maps(history, window, kind, rate):
    settings = EngineSettings()
    found = in_force(kind, history, window, rate)

    levels = [found.level_for(settings.nominal_probability[name]) for name in TierName]

    assert settings.highest_level >= levels[0] > levels[1] > levels[2] > 0.35


@given(
    history=LENGTHS, window=LENGTHS, kind=st.sampled_from(KINDS), rate=RATES, other=RATES, asked=st.floats(0, 1)
)
def test_more_frequent_spells_never_ask_less_of_the_model(history, window, kind, rate, other, asked):
    few, many = (in_force(kind, history, window, often) for often in sorted((rate, other)))

    assert many.level_for(asked) >= few.level_for(asked) - 1e-9


def test_where_a_week_has_seldom_a_spell_the_margin_is_taken_out_further():
    seldom, often = (in_force(KINDS[1], 14.0, 7.0, rate).level_for(0.8) for rate in (0.02, 0.08))

    assert seldom < often - 0.03


def test_without_maps_promises_are_what_the_model_says():
    found = LatencyCalibration().of(KINDS[0], history_days=30.0, window_days=28.0, spells_per_day=0.04)

    assert found == CalibrationMap()
    with pytest.raises(ValueError, match="no latency objective"):
        LatencyCalibration().of(
            ObjectiveKind.AVAILABILITY, history_days=30.0, window_days=28.0, spells_per_day=None
        )


def test_it_tightens_only_as_far_as_is_certain():
    """Shares of two kinds of organisations, attained at every level by one service each."""
    levels = np.array(shipped_latency_map.LEVELS)
    certain = np.broadcast_to(np.minimum(levels + 0.05, 0.999), (100, len(levels)))
    uncertain = certain + np.where(np.arange(100) % 2, 0.3, -0.3)[:, None]
    worse = np.broadcast_to(levels * 0.9, (100, len(levels)))

    kept = [
        shipped_latency_map.certain_share(one[:, None, :], np.ones((100, 1)))
        for one in (certain, uncertain, worse)
    ]

    assert kept[0][EIGHTY] == pytest.approx(0.85)
    assert kept[1][EIGHTY] == pytest.approx(0.8)  # 0.85 - 1.98 * 0.3 / 10 lies below the level
    assert kept[2][EIGHTY] == pytest.approx(0.72)


@pytest.mark.parametrize("services", [1, 10])
def test_services_of_one_organisation_are_one_observation(services: int):
    levels = np.array(shipped_latency_map.LEVELS)
    shares = np.minimum(levels + 0.05, 0.999) + np.where(np.arange(100) % 2, 0.1, -0.1)[:, None]

    kept = shipped_latency_map.certain_share(
        np.repeat(shares[:, None], services, axis=1), np.ones((100, services))
    )

    assert kept[EIGHTY] == pytest.approx(0.85 - 1.9842 * 0.1 / 99**0.5, abs=1e-4)


def drawn_services(rng: np.random.Generator, organisations: int) -> np.ndarray:
    """Shares that services attain at every level: as the model says, more or less."""
    levels = np.array(shipped_latency_map.LEVELS)
    return np.asarray(levels ** np.exp(rng.normal(0, 0.3, (organisations, 6, 1))))


def test_services_with_more_or_longer_spells_never_have_the_tighter_map():
    """Also where they held more often, in a world that was lucky."""
    rng = np.random.default_rng(11)
    spells = np.exp(rng.normal(-3.4, 0.8, (80, 6)))
    shares = np.where((spells > 0.03)[..., None], drawn_services(rng, 80) ** 0.5, drawn_services(rng, 80) ** 2)

    kept = shipped_latency_map.attained_of(shares, spells, np.full(80, -1))

    assert (np.diff(kept, axis=0) < 0).all()
    assert (np.diff(kept, axis=1) > 0).all()


def test_asked_for_what_the_tilt_asks_of_each_the_shares_are_those_attained():
    """Brute force: one service at a time, one level at a time."""
    rng = np.random.default_rng(12)
    shares, step = drawn_services(rng, 5), rng.normal(0, 1.0, (5, 6))
    levels = np.array(shipped_latency_map.LEVELS)

    found = shipped_latency_map.tilted(shares, step, KINDS[1])

    for i in range(5):
        for j in range(6):
            for n, level in enumerate(levels):
                odds = level / (1 - level)
                fade = min(1.0, max(0.0, np.log(0.985 / 0.015 / odds) / np.log(0.985 / 0.015 / 19)))
                odds *= np.exp(shipped_latency_map.TILT * step[i, j] * fade)
                expected = np.interp(odds / (1 + odds), [0, *levels, 1], [0, *shares[i, j], 1])
                assert found[i, j, n] == pytest.approx(expected, abs=1e-12)


def test_the_shipped_map_of_the_middle_is_the_share_attained_with_the_tilt():
    """All services alike but for their spells; each attains what the tilt takes back."""
    spells = np.repeat([0.012, 0.03, 0.075], 40)[:, None]
    levels = np.array(shipped_latency_map.LEVELS)
    odds = levels / (1 - levels) * (spells / 0.03) ** -shipped_latency_map.TILT
    shares = (odds / (1 + odds))[:, None, :]

    kept = shipped_latency_map.attained_of(shares, spells, np.full(120, -1))

    assert kept[len(kept) // 2] == pytest.approx(levels, abs=0.006)  # linear between the levels
    assert kept[0, EIGHTY] > 0.85
    assert kept[-1, EIGHTY] < 0.75


def test_no_unusual_kind_of_world_is_asked_less_than_it_may_lack():
    levels = np.array(shipped_latency_map.LEVELS)
    kinds = np.where(np.arange(160) < 128, -1, 2)
    shares = np.where((kinds == 2)[:, None, None], levels - 0.09, np.minimum(levels + 0.02, 0.999))

    kept = shipped_latency_map.attained_of(shares, np.full((160, 1), 0.03), kinds)

    assert kept[len(kept) // 2, EIGHTY] == pytest.approx(0.8 - 0.09 + 0.07, abs=1e-3)


def test_the_recipe_writes_the_maps_that_are_shipped():
    attained = np.array([shipped.P95_ATTAINED, shipped.P99_ATTAINED])

    text = shipped_latency_map.module_text(attained, shipped.ORGANIZATIONS)

    assert text == Path(inspect.getfile(shipped)).read_text()
    assert shipped.ORGANIZATIONS >= 500
    assert f"{shipped.ORGANIZATIONS} simulated organisations" in shipped.SOURCE
