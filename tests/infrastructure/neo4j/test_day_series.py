from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Invalid
from sloengine.infrastructure.neo4j.day_runs import DayRun, joined
from sloengine.infrastructure.neo4j.day_series import DaySeries, coarser, combined, days_of, in_batches
from sloengine.infrastructure.neo4j.instants import day_number, day_start, instant, microseconds
from sloengine.infrastructure.neo4j.latency_layout import common_bounds, rebucketed

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = [60, 300, 900, 1800, 3600, 7200, 21600, 86400]
values = st.one_of(st.just(float("nan")), st.integers(0, 1000).map(float))


def run_of(day: DaySeries) -> tuple[int, DayRun]:
    return day.row, DayRun.of(day.step_seconds, [day.day], [day.part], [day.whole])


@given(st.sampled_from(STEPS), st.integers(0, 40), st.lists(values, min_size=1, max_size=90))
def test_a_series_cut_into_days_and_joined_again_is_the_same(seconds: int, offset: int, numbers: list[float]):
    step = timedelta(seconds=seconds)
    start = MONDAY + offset * step
    whole = np.array([numbers])
    end = start + step * len(numbers)

    days = list(days_of(start, step, whole / 2, whole))
    begins, found_step, part, total, _ = joined(map(run_of, days), 1, start, end)

    if days:
        assert (begins, found_step) == (start, step)
        np.testing.assert_array_equal(total, whole)
        np.testing.assert_array_equal(part, whole / 2)
    else:
        assert np.isnan(total).all()


@given(st.sampled_from([(300, 3600), (900, 86400), (3600, 21600)]), st.lists(values, min_size=288, max_size=288))
def test_joining_at_a_coarser_step_keeps_every_event(steps: tuple[int, int], numbers: list[float]):
    fine, coarse = steps
    per_day = 86_400 // fine
    whole = np.array([numbers[:per_day], [np.nan] * per_day])
    whole[1, 0] = 7.0
    rows = [DaySeries(0, day_number(MONDAY), fine, whole[0], whole[0])]
    other = np.full(86_400 // coarse, np.nan)
    other[0] = 7.0
    rows.append(DaySeries(1, day_number(MONDAY), coarse, other, other))

    _, step, _, total, _ = joined(map(run_of, rows), 2, MONDAY, MONDAY + timedelta(days=1))

    if not np.isnan(whole[0]).all():
        assert step == timedelta(seconds=coarse)
        assert np.nansum(total[0]) == np.nansum(whole[0])
    assert total[1, 0] == 7.0


@pytest.mark.parametrize(
    ("step", "start"),
    [
        (timedelta(minutes=7), MONDAY),
        (timedelta(days=2), MONDAY),
        (timedelta(hours=1), MONDAY + timedelta(minutes=1)),
        (timedelta(milliseconds=500), MONDAY),
    ],
)
def test_a_series_that_days_do_not_split_into_is_refused(step: timedelta, start: datetime):
    with pytest.raises(Invalid):
        list(days_of(start, step, np.ones((1, 3)), np.ones((1, 3))))


def day(step_seconds: int, *numbers: float) -> DaySeries:
    padded = np.full(86_400 // step_seconds, np.nan)
    padded[: len(numbers)] = numbers
    return DaySeries(0, 0, step_seconds, padded / 2, padded)


def test_detail_that_covers_what_is_stored_replaces_it():
    found = combined(day(3600, 10.0), day(1800, 4.0, 5.0))

    assert found.step_seconds == 1800
    assert np.nansum(found.whole) == 9.0


def test_detail_that_covers_only_part_of_what_is_stored_is_summed_up():
    found = combined(day(3600, 10.0, 20.0, 30.0), day(1800, 4.0, 5.0, 6.0))

    assert found.step_seconds == 3600
    np.testing.assert_array_equal(found.whole[:4], [9.0, 20.0, 30.0, np.nan])
    np.testing.assert_array_equal(found.part, found.whole / 2)


def test_coarse_values_replace_the_detail_that_they_cover():
    found = combined(day(1800, 1.0, 2.0, 3.0, 4.0), day(3600, np.nan, 50.0))

    assert found.step_seconds == 3600
    np.testing.assert_array_equal(found.whole[:3], [3.0, 50.0, np.nan])


def test_steps_of_which_none_divides_the_other_meet_at_their_common_multiple():
    found = combined(day(600, 1.0, 2.0, 3.0), day(900, 10.0, 20.0))

    assert found.step_seconds == 1800
    assert found.whole[0] == 30.0


@given(st.lists(values, min_size=24, max_size=24), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 24]))
def test_sums_of_neighbours_keep_the_total(numbers: list[float], times: int):
    array = np.array(numbers)

    assert np.nansum(coarser(array, times)) == np.nansum(array)


def test_batches_hold_about_so_many_numbers():
    sizes = [len(batch) for batch in in_batches([day(3600, 1.0)] * 10, 100)]

    assert sizes == [3, 3, 3, 1]


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001  made aware below
def test_instants_survive_exactly(at: datetime):
    aware = at.replace(tzinfo=UTC)

    assert instant(microseconds(aware)) == aware
    assert day_start(day_number(aware)) <= aware < day_start(day_number(aware) + 1)


INF = float("inf")


def test_bounds_that_a_day_lacks_are_given_up_but_not_too_many():
    newest = (0.1, 0.2, 0.3, 0.4, INF)

    assert common_bounds({2: newest, 1: (0.1, 0.2, 0.4, INF)}) == (0.1, 0.2, 0.4, INF)
    assert common_bounds({2: newest, 1: (0.25, INF)}) == newest
    assert common_bounds({2: newest, 1: (0.05, *newest)}) == newest


def test_counts_move_to_the_bucket_that_holds_them():
    found = rebucketed((0.1, 0.2, 0.4, INF), np.array([1.0, 2.0, 3.0, 4.0]), (0.2, INF))

    np.testing.assert_array_equal(found, [3.0, 7.0])
    assert np.isnan(rebucketed((0.1, INF), np.array([1.0, 2.0]), (0.2, INF))).all()


@given(
    st.sampled_from([900, 3600, 21600]),
    st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=3),
    st.integers(0, 23),
    st.integers(1, 100),
)
def test_series_of_one_step_lie_where_their_intervals_begin(
    seconds: int, days_of_rows: list[set[int]], offset: int, count: int
):
    step, per_day, first = timedelta(seconds=seconds), 86_400 // seconds, day_number(MONDAY)
    runs = []
    for row, days in enumerate(days_of_rows):
        numbers = [[row * 1e4 + day * per_day + slot for slot in range(per_day)] for day in sorted(days)]
        runs.append((row, DayRun.of(seconds, [first + day for day in sorted(days)], numbers, numbers)))
    from_at = MONDAY + offset * step
    to_at = from_at + count * step

    begins, found_step, part, whole, coverage = joined(iter(runs), len(runs), from_at, to_at)

    expected = np.full((len(runs), count), np.nan)
    for row, days in enumerate(days_of_rows):
        for slot in range(count):
            if (offset + slot) // per_day in days:
                expected[row, slot] = row * 1e4 + offset + slot
    if np.isnan(expected).all():
        assert np.isnan(whole).all()
    else:
        assert (begins, found_step) == (from_at, step)
        np.testing.assert_array_equal(whole, expected)
        np.testing.assert_array_equal(part, expected)
        assert coverage is None


seconds_of = st.sampled_from([900, 1800, 3600, 7200, 21600, 43200, 86400])


def seen_by_brute_force(days: list[DaySeries], at: int, step: int) -> tuple[float, bool]:
    """Share of [at, at + step) that the intervals with data cover, and whether any do; in seconds."""
    covered, known = 0.0, False
    for one in days:
        for slot in range(len(one.whole)):
            begin = slot * one.step_seconds
            if at <= begin < at + step and not np.isnan(one.whole[slot]):
                covered += one.step_seconds * (1.0 if one.coverage is None else one.coverage[slot])
                known = True
    return covered / step, known


@st.composite
def some_day(draw: st.DrawFn, row: int) -> DaySeries:
    step = draw(seconds_of)
    count = 86_400 // step
    whole = np.array(draw(st.lists(values, min_size=count, max_size=count)))
    coverage = None
    if draw(st.booleans()):
        shares = draw(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=count, max_size=count))
        coverage = np.where(np.isnan(whole), 0.0, shares)
    return DaySeries(row, day_number(MONDAY), step, whole / 2, whole, coverage)


@given(st.tuples(some_day(0), some_day(1), some_day(2)))
def test_what_is_joined_knows_how_much_was_seen(days: tuple[DaySeries, ...]):
    runs = [
        (one.row, DayRun.of(one.step_seconds, [one.day], [one.part], [one.whole], [one.coverage])) for one in days
    ]

    start, step, _, total, coverage = joined(runs, 3, MONDAY, MONDAY + timedelta(days=1))

    seen = (~np.isnan(total)).astype(float) if coverage is None else coverage
    per = int(step.total_seconds())
    for one in days:
        if not np.isnan(one.whole).all():
            for column in range(total.shape[1]):
                share, known = seen_by_brute_force([one], column * per, per)
                assert seen[one.row, column] == pytest.approx(share, abs=1e-12)
                assert np.isnan(total[one.row, column]) == (not known)
    assert start == MONDAY


@given(some_day(0), some_day(0))
def test_what_is_combined_knows_how_much_was_seen(stored: DaySeries, new: DaySeries):
    if stored.step_seconds == new.step_seconds:
        return  # put together where it is stored

    found = combined(stored, new)

    seen = (~np.isnan(found.whole)).astype(float) if found.coverage is None else found.coverage
    for slot in range(len(found.whole)):
        at = slot * found.step_seconds
        by_new, by_stored = (seen_by_brute_force([one], at, found.step_seconds) for one in (new, stored))
        inside = [
            not np.isnan(new.whole[i])
            for i in range(len(new.whole))
            if at <= i * new.step_seconds < at + found.step_seconds
        ]
        expected, known = by_new if all(inside) or not by_stored[1] else by_stored
        assert seen[slot] == pytest.approx(expected, abs=1e-12)
        assert np.isnan(found.whole[slot]) == (not known)
