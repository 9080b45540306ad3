from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from sloengine.domain.drift.baseline import RULES
from sloengine.domain.drift.model import Change, Detector, HourlySeries
from sloengine.domain.drift.watch import (
    Ballot,
    Watch,
    advance,
    begin,
    hours_needed,
    is_due,
    look_back,
    measured,
)
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

FIRST = 490_896
HISTORY = 8 * 168
find_alarms = RiverChangeDetectors()


def series(seed: int = 1, hours: int = HISTORY + 500, shift: float = 0.0, at: int = HISTORY) -> HourlySeries:
    values = np.random.default_rng(seed).standard_normal(hours) + 2 * np.sin(2 * np.pi * np.arange(hours) / 24)
    values[at:] += shift
    return HourlySeries(FIRST, values, None, 1e-6)


def watched(
    one: HourlySeries, judged: int = 500, ballot: Ballot | None = None
) -> tuple[Watch, tuple[Change, ...]]:
    watch = begin(one, one.ends, judged=judged)
    assert watch is not None
    return advance(watch, one, one.ends, find_alarms, ballot=ballot or Ballot())


def test_a_shift_is_found_dated_and_measured():
    _, [change] = watched(series(shift=3.0))

    assert change.detected_hour - FIRST - HISTORY < 24
    assert abs(change.started_hour - FIRST - HISTORY) <= 2
    assert len(change.votes) >= 2
    assert change.before is not None
    assert change.after is not None
    assert change.after - change.before == pytest.approx(3.0, abs=0.8)


def test_levels_before_and_since_are_of_the_same_hours_of_the_week():
    hours = np.arange(HISTORY + 30)
    weekend = np.where((FIRST + hours) // 24 % 7 < 2, -40.0, 0.0)
    rhythm = 100 + 50 * np.sin(2 * np.pi * hours / 24) + weekend
    noise = np.random.default_rng(3).standard_normal(len(hours))
    values = rhythm + noise + np.where(hours >= HISTORY + 2, 6.0, 0.0)
    one = HourlySeries(FIRST, values)

    change = measured(Change(FIRST + HISTORY + 8, FIRST + HISTORY + 2, (), None, None), one)

    # Six hours of one half of the day: against all hours of four weeks the step would drown in the daily wave.
    assert change.before is not None
    assert change.after is not None
    assert change.after - change.before == pytest.approx(6.0, abs=1.5)
    assert change.after == pytest.approx(float(np.median(values[HISTORY + 2 : HISTORY + 9])))


def test_the_level_before_of_a_young_series_is_that_of_the_same_hours_of_the_day():
    hours = np.arange(5 * 24)
    one = HourlySeries(FIRST, 100 + 50 * np.sin(2 * np.pi * hours / 24))

    change = measured(Change(FIRST + 100, FIRST + 97, (), None, None), one)

    assert change.before == pytest.approx(change.after)


def test_nothing_is_found_where_nothing_happened():
    assert [watched(series(seed))[1] for seed in range(12)] == [()] * 12


def test_one_hour_alone_confirms_nothing():
    one = series()
    one.values[HISTORY + 50] = 500.0

    assert watched(one)[1] == ()


def test_a_fall_by_one_nine_of_a_busy_service_is_confirmed_by_its_second_hour():
    random = np.random.default_rng(5)
    total = random.poisson(30_000, HISTORY + 48).astype(float)
    ratio = np.where(np.arange(len(total)) >= HISTORY, 0.01, 0.001)
    one = HourlySeries(FIRST, random.binomial(total.astype(int), ratio).astype(float), total)

    _, [change] = watched(one, judged=48)

    assert change.detected_hour == FIRST + HISTORY + 1
    assert change.before == pytest.approx(0.001, rel=0.05)
    assert change.after == pytest.approx(0.01, rel=0.05)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 499), max_size=4), seed=st.integers(0, 3), shift=st.sampled_from([0.0, 2.0]))
def test_hour_by_hour_or_all_at_once_ends_in_the_same(cuts: list[int], seed: int, shift: float):
    one = series(seed, shift=shift, at=HISTORY + 100)
    whole, changes = watched(one)

    watch = begin(one, one.ends, judged=500)
    assert watch is not None
    found: list[Change] = []
    for until in [*sorted(FIRST + HISTORY + cut for cut in cuts), one.ends]:
        seen = one.between(hours_needed(watch, until, 0), until)
        watch, some = advance(watch, seen, until, find_alarms)
        found.extend(some)

    assert [change.detected_hour for change in found] == [change.detected_hour for change in changes]
    assert [change.votes for change in found] == [change.votes for change in changes]
    np.testing.assert_allclose(watch.scores, whole.scores)
    assert (watch.reached, watch.restarts, watch.votes) == (whole.reached, whole.restarts, whole.votes)


def test_what_was_judged_is_not_judged_again():
    one = series(shift=3.0)
    watch, _ = watched(one)

    assert advance(watch, one, one.ends, find_alarms) == (watch, ())


def test_after_a_change_a_week_is_learnt_before_the_next_can_be_found():
    one = series(shift=4.0)
    one.values[HISTORY + 400 :] += 4.0

    _, changes = watched(one)

    found = [change.detected_hour - FIRST - HISTORY for change in changes]
    assert len(found) == 2
    assert found[0] < 24
    assert 400 <= found[1] < 440


def test_hours_without_data_are_no_values():
    one = series(shift=3.0)
    one.values[HISTORY - 40 : HISTORY + 10] = np.nan
    one.values[::7] = np.nan

    _, [change] = watched(one)

    assert FIRST + HISTORY + 10 <= change.detected_hour < FIRST + HISTORY + 40


def test_a_series_of_less_than_a_week_is_not_watched_yet():
    short = series(hours=168)

    assert begin(short, short.ends, judged=500) is None
    assert begin(replace(short, values=np.full(168, np.nan)), short.ends, judged=500) is None


def test_two_must_agree_within_the_horizon():
    one = series()

    def told(detector: Detector, scores: Sequence[float]) -> Sequence[int]:
        back = {Detector.PAGE_HINKLEY: 68, Detector.ADWIN: 28}[detector]
        return [len(scores) - back]

    first_week = FIRST + HISTORY + 168
    watch = begin(one, one.ends, judged=500)
    assert watch is not None
    _, within = advance(watch, one, first_week, told)
    _, beyond = advance(watch, one, first_week, told, ballot=Ballot(horizon=40))

    assert [change.votes for change in within] == [(Detector.PAGE_HINKLEY, Detector.ADWIN)]
    assert beyond == ()


@pytest.mark.parametrize("case", ["seven weeks without telemetry", "few hours with a value until now"])
def test_a_baseline_of_few_values_does_not_take_chance_for_a_rhythm(case: str):
    random = np.random.default_rng(11)
    alarmed = 0
    for seed in range(20):
        one = series(seed, HISTORY + 500)
        missing = random.random(HISTORY) > 0.12
        if case == "seven weeks without telemetry":
            missing = (np.arange(HISTORY) >= 168) & (np.arange(HISTORY) < HISTORY - 10)
        one.values[:HISTORY][missing] = np.nan
        alarmed += bool(watched(one)[1])

    assert alarmed <= 3


@pytest.mark.parametrize("hours_a_day", [1, 3, 8])
def test_new_hours_are_no_change_where_few_hours_of_the_day_were_seen_until_three_days_ago(hours_a_day: int):
    alarmed = 0
    for seed in range(20):
        one = series(seed, HISTORY + 500)
        hours = np.arange(HISTORY)
        one.values[:HISTORY][(hours % 24 >= hours_a_day) & (hours < HISTORY - 72)] = np.nan
        alarmed += bool(watched(one)[1])

    assert alarmed <= 2


@pytest.mark.parametrize("share_known", [0.35, 0.5, 0.75])
def test_what_a_long_memory_leaves_behind_gaps_is_no_change(share_known: float):
    alarmed = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        drawn = random.standard_normal(HISTORY + 800) * np.sqrt(1 - 0.9**2)
        values = lfilter([1.0], [1.0, -0.9], drawn)[300:]
        values[random.random(len(values)) > share_known] = np.nan
        alarmed += bool(watched(HourlySeries(FIRST, values, None, 1e-6))[1])

    assert alarmed <= 2


def test_a_baseline_of_older_rules_is_learnt_anew_at_once_and_raises_no_alarm():
    one = series(hours=HISTORY + 100)
    watch, _ = watched(one, judged=100)
    assert watch.baseline is not None
    assert not is_due(watch, 0)
    older = replace(watch, baseline=replace(watch.baseline, rules=1))
    longer = series(hours=HISTORY + 160)

    after, changes = advance(older, longer, longer.ends, find_alarms)

    assert is_due(older, 0)
    assert hours_needed(older, longer.ends, 0) == older.reached - HISTORY
    assert after.baseline is not None
    assert (after.baseline.rules, after.baseline.fitted_to) == (RULES, older.reached)
    assert changes == ()


def test_hours_of_the_day_that_were_seen_rarely_are_not_judged_until_they_are_known():
    one = series(hours=HISTORY + 14 * 24)
    hours = np.arange(HISTORY)
    one.values[:HISTORY][hours % 24 >= 8] = np.nan  # eight hours a day, then all of them
    watch = begin(one, one.ends, judged=14 * 24)
    assert watch is not None

    first, _ = advance(watch, one, FIRST + HISTORY + 24, find_alarms)
    later, changes = advance(first, one, one.ends, find_alarms)

    assert first.baseline is not None
    assert first.baseline.unknown_hours == 16
    assert int((~np.isnan(first.scores[-24:])).sum()) == 8
    assert later.baseline is not None
    assert later.baseline.unknown_hours == 0
    assert not np.isnan(later.scores[-24:]).any()
    assert changes == ()


def test_a_look_back_says_from_where_on_there_was_a_baseline():
    values = 100 + np.random.default_rng(5).standard_normal(100 * 24)
    values[80 * 24 :] += 6
    values[: 50 * 24][np.arange(50 * 24) % 24 > 0] = np.nan  # one a day, then hourly

    seen = look_back(HourlySeries(0, values), find_alarms)

    assert seen is not None
    # Of fewer days, most hours of the day would not have been seen for a week.
    assert 7 * 24 <= seen.judged_from - 50 * 24 < 8 * 24
    [change] = seen.changes
    assert change.started_hour == 80 * 24


def test_a_look_back_over_values_too_sparse_for_a_baseline_is_none():
    values = np.full(200 * 24, np.nan)
    values[::24] = np.arange(200.0)

    assert look_back(HourlySeries(0, values), find_alarms) is None
