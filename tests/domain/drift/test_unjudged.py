from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.drift.model import HourlySeries
from sloengine.domain.drift.unjudged import why_unjudged
from sloengine.domain.drift.watch import Watch, advance, begin
from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

FIRST = 490_896


def at_the_end(one: HourlySeries) -> Watch | None:
    watch = begin(one, one.ends, judged=14 * 24)
    return None if watch is None else advance(watch, one, one.ends, RiverChangeDetectors())[0]


def one_a_day_then_hourly(hourly_days: int) -> FloatArray:
    values = np.random.default_rng(2).standard_normal(8 * 168)
    hours = np.arange(len(values))
    values[(hours % 24 > 0) & (hours < len(values) - 24 * hourly_days)] = np.nan
    return values


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full(500, np.nan), "not a single hour has a value"),
        (np.ones(1), "1 hour is too few: 168, from 2026-01-01 00:00 UTC on, are learnt from"),
        (np.ones(100), "100 hours are too few"),
        (one_a_day_then_hourly(0), "56 hours with a value, of the last 1344, are too sparse"),
        (one_a_day_then_hourly(6), "194 hours with a value, of the last 1344, are too sparse"),
        (one_a_day_then_hourly(3), "125 hours with a value, of the last 1344, are too sparse"),
    ],
)
def test_what_nobody_looks_at_is_told_with_its_reason(values: FloatArray, said: str):
    one = HourlySeries(FIRST, values, None, 1e-6)

    watch = at_the_end(one)

    assert watch is None or watch.baseline is None
    assert (why_unjudged(one, watch) or "").startswith(said)
    assert (why_unjudged(HourlySeries(FIRST, np.zeros(len(values)), np.abs(values) + 1), watch) or "").startswith(
        said
    )


def test_a_series_that_is_judged_whole_has_no_reason():
    one = HourlySeries(FIRST, np.random.default_rng(1).standard_normal(8 * 168), None, 1e-6)

    assert why_unjudged(one, at_the_end(one)) is None


def test_what_has_just_become_enough_waits_for_a_pass_and_is_judged_by_it():
    one = HourlySeries(FIRST, one_a_day_then_hourly(8), None, 1e-6)

    assert "judged within a day" in (why_unjudged(one, None) or "")
    watch = at_the_end(one)
    assert watch is not None
    assert watch.baseline is not None


def test_after_a_change_the_new_behaviour_is_learnt_first():
    values = np.random.default_rng(3).standard_normal(8 * 168)
    values[-60:] += 6.0
    one = HourlySeries(FIRST, values, None, 1e-6)

    watch = at_the_end(one)

    assert watch is not None
    assert watch.baseline is None
    assert "hours are too few: 168, from 2026-02-2" in (why_unjudged(one, watch) or "")


def test_hours_of_the_day_without_a_past_are_told():
    values = np.random.default_rng(4).standard_normal(8 * 168)
    values[np.arange(len(values)) % 24 >= 8] = np.nan
    one = HourlySeries(FIRST, values, None, 1e-6)

    assert (why_unjudged(one, at_the_end(one)) or "").startswith("16 hours of the day are not judged")
