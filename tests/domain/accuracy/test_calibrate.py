from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.accuracy.calibrate import as_promised, calibrated, independent_windows, own_map
from sloengine.domain.accuracy.record import CalibrationRecord, records_of
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.calibration_fit import fit_beta
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings
from tests.domain.accuracy.test_points import levels


def test_the_fit_finds_the_law_that_the_levels_have():
    drawn = np.random.default_rng(8).beta(1.5, 0.7, 20_000)

    found = fit_beta(drawn, drawn, 20_000, "drawn")

    known = CalibrationMap.beta(1.5, 0.7, "known")
    for level in (0.5, 0.8, 0.92, 0.98):
        assert found.probability_of(level) == pytest.approx(known.probability_of(level), abs=0.01)


def test_few_windows_hardly_move_it_from_the_identity():
    drawn = np.random.default_rng(9).beta(1.5, 0.7, 20_000)

    few, many = (fit_beta(drawn, drawn, n, "drawn").probability_of(0.92) for n in (2.0, 2_000.0))

    assert many < few < 0.92
    assert few > (0.92 + many) / 2


def test_ties_are_spread_evenly():
    ends = np.zeros(500), np.full(500, 1.0)

    assert fit_beta(*ends, 500, "ties").probability_of(0.92) == pytest.approx(0.92, abs=0.04)


def test_own_windows_take_over_with_n_over_n_plus_a_hundred():
    shipped, own = CalibrationMap.beta(1.2, 0.9, "shipped"), CalibrationMap.beta(2.0, 0.6, "own")

    mixed = shipped.with_own(replace(own, own_windows=300.0))

    assert mixed.own_weight == 0.75
    for level in (0.5, 0.8, 0.98):
        expected = 0.25 * shipped.probability_of(level) + 0.75 * own.probability_of(level)
        assert mixed.probability_of(level) == pytest.approx(expected, abs=1e-6)
        assert mixed.level_for(mixed.probability_of(level)) == pytest.approx(level)


def test_without_finished_windows_the_shipped_map_is_in_force():
    settings = EngineSettings()

    assert own_map([], ObjectiveKind.AVAILABILITY) is None
    assert calibrated(settings, []) == settings


def test_one_month_of_many_services_is_no_evidence():
    month = levels(np.random.default_rng(10).random(200), services=200)

    assert independent_windows(month) == 0.0


def test_an_own_map_names_the_length_of_the_windows_that_it_was_learnt_on():
    own = own_map(levels(np.random.default_rng(12).random(480)), ObjectiveKind.AVAILABILITY)

    assert own is not None
    assert own.source.startswith("own windows of 28 days (worth ")


def test_windows_that_fail_together_count_for_less():
    random = np.random.default_rng(11)
    alone = levels(random.random(2_400))
    together = levels(np.repeat(random.random(60), 40))  # forty services, the same fate each month

    assert independent_windows(together) < 60 < independent_windows(alone)


def test_a_map_survives_being_stored():
    made = CalibrationMap.beta(1.2, 0.9, "shipped").with_own(CalibrationMap(source="own", own_windows=40.0))

    assert CalibrationMap.from_dict(made.to_dict()) == made


def test_a_middle_that_is_off_does_not_bend_the_map_where_tiers_stand():
    random = np.random.default_rng(14)
    honest = random.random(20_000)
    drawn = np.where(
        honest < 0.5, 0.5 * random.beta(0.3, 2.0, 20_000), honest
    )  # a margin puts the middle too high

    found = fit_beta(drawn, drawn, 20_000, "drawn")

    for level in (0.8, 0.92, 0.98):
        assert found.probability_of(level) == pytest.approx(level, abs=0.01)


def test_what_windows_of_one_percentile_teach_leaves_the_other_alone():
    settings = EngineSettings()
    taught = levels(np.random.default_rng(13).beta(2.0, 0.6, 1_200), kind=ObjectiveKind.LATENCY_P99)

    changed = calibrated(settings, taught)

    lengths = {"history_days": 90.0, "window_days": 28.0}
    p99, before = (one.calibration_of(ObjectiveKind.LATENCY_P99, **lengths) for one in (changed, settings))
    assert p99.own_weight > 0
    assert p99.level_for(0.8) > before.level_for(0.8) + 0.02
    assert changed.with_own_maps({}) == settings
    for kind in (ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY_P95):
        assert changed.calibration_of(kind, **lengths) == settings.calibration_of(kind, **lengths)


def test_a_margin_in_the_draws_does_not_hide_the_levels_that_tiers_ask_for():
    """Nine in ten outcomes lie below the level 0.6: what is asked for lies there as well."""
    drawn = np.random.default_rng(15).beta(0.5, 2.0, 20_000)

    found = fit_beta(drawn, drawn, 20_000, "drawn", margin_within=True)

    known = CalibrationMap.beta(0.5, 2.0, "known")
    for promised in (0.8, 0.92, 0.98):
        assert found.level_for(promised) == pytest.approx(known.level_for(promised), abs=0.02)


def test_a_latency_level_is_judged_by_the_map_of_how_often_it_got_slow_then():
    kind, settings = ObjectiveKind.LATENCY_P95, EngineSettings()
    month = replace(levels(np.array([0.7]), kind=kind)[0], history_days=90.0)
    rates = (0.02, 0.08, None)

    judged = [as_promised([replace(month, spells_per_day=rate)], settings, kind)[0].low for rate in rates]

    lengths = {"history_days": 90.0, "window_days": 28.0}
    expected = [settings.calibration_of(kind, **lengths, spells_per_day=rate) for rate in rates]
    assert judged == [found.probability_of(0.7) for found in expected]
    assert judged[0] > judged[1]


def test_a_record_keeps_how_often_services_got_slow_and_reads_one_that_does_not_say():
    kind = ObjectiveKind.LATENCY_P95
    mine = [replace(one, spells_per_day=0.03) for one in levels(np.array([0.7, 0.8]), kind=kind)]
    at = mine[-1].ends_at
    record = CalibrationRecord.empty(kind, at).with_windows([], mine, EngineSettings(), at)
    document = record.to_dict()

    again = records_of(document)[0]
    before = records_of({name: value for name, value in document.items() if name != "spellsPerDay"})[0]

    assert again == record
    assert [one.spells_per_day for one in before.levels] == [None, None]
