"""How much of an interval was seen, when finer ones are summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.accuracy.outcome import outcome_of
from sloengine.domain.recommendation.availability_replay import OwnSeries, own_series
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel, below_each_other

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOW = timedelta(days=7)

masks = st.lists(st.booleans(), min_size=1, max_size=24 * 12)


def hourly(*known: list[bool], start_at: datetime = MONDAY) -> SliPanel:
    """Services s0, s1, … that have data in these hours; 100 events an hour and some more, one of which failed."""
    seen = np.array(known)
    total = np.where(seen, 100.0 + np.arange(seen.shape[1]) % 7, np.nan)
    return SliPanel(tuple(f"s{row}" for row in range(len(seen))), start_at, HOUR, total - 1.0, total)


def of(panel: SliPanel, as_of: datetime) -> OwnSeries:
    return own_series(panel, "s0", as_of=as_of, lookback_days=90, window=WINDOW)


@given(masks, st.integers(0, 23), st.sampled_from([1, 2, 3, 6, 12, 24]))
def test_a_sum_knows_the_share_of_its_hours_that_was_known(known: list[bool], first: int, times: int) -> None:
    fine = hourly(known, start_at=MONDAY + first * HOUR)

    coarse = fine.at_step(times * HOUR)

    expected: dict[datetime, list[float]] = {}
    for hour, is_known in enumerate(known):
        at = MONDAY + ((first + hour) // times) * times * HOUR
        sums = expected.setdefault(at, [0.0, 0.0, 0.0])
        if is_known:
            sums[0] += fine.good[0, hour]
            sums[1] += fine.total[0, hour]
            sums[2] += 1.0
    assert [coarse.start_at + i * coarse.step for i in range(coarse.total.shape[1])] == list(expected)
    for i, (good, total, hours) in enumerate(expected.values()):
        assert coarse.seen[0, i] == pytest.approx(hours / times, abs=1e-12)
        assert np.isnan(coarse.total[0, i]) == (hours == 0)
        if hours:
            assert (coarse.good[0, i], coarse.total[0, i]) == (good, total)
    assert coarse.known_days.sum() == pytest.approx(sum(known) / 24)


@given(masks, st.sampled_from([2, 3, 4]))
def test_summed_up_twice_is_summed_up_once(known: list[bool], times: int) -> None:
    fine = hourly(known)

    at_once, in_two = fine.at_step(DAY), fine.at_step(times * HOUR).at_step(DAY)

    np.testing.assert_array_equal(in_two.total, at_once.total)
    np.testing.assert_allclose(in_two.seen, at_once.seen, atol=1e-12)


@given(st.lists(st.lists(st.booleans(), min_size=72, max_size=72), min_size=1, max_size=3))
def test_days_are_the_same_whether_hours_were_summed_up_before(known: list[list[bool]]) -> None:
    panel = hourly(*known)

    fine, coarse = (
        daily_sums(one, as_of=MONDAY + 3 * DAY, lookback_days=90) for one in (panel, panel.at_step(DAY))
    )

    np.testing.assert_array_equal(fine.bad, coarse.bad)
    np.testing.assert_array_equal(fine.valid, coarse.valid)
    np.testing.assert_allclose(fine.exposure, coarse.exposure, atol=1e-12)


@given(st.lists(st.booleans(), min_size=24, max_size=24 * 9))
def test_days_known_and_completeness_do_not_depend_on_the_step(known: list[bool]) -> None:
    known = [True] * 24 + known[: len(known) // 24 * 24]
    panel, as_of = hourly(known), MONDAY + len(known) * HOUR

    fine, coarse = of(panel, as_of), of(panel.at_step(DAY), as_of)

    assert coarse.known_days() == pytest.approx(fine.known_days(), abs=1e-9)
    assert coarse.known_days(3) == pytest.approx(fine.known_days(3), abs=1e-9)
    assert coarse.completeness == pytest.approx(fine.completeness, abs=1e-9)


@given(st.lists(st.booleans(), min_size=48, max_size=24 * 9))
def test_nobody_knows_which_part_of_the_first_day_was_seen(known: list[bool]) -> None:
    known = known[: len(known) // 24 * 24]
    panel, as_of = hourly(known), MONDAY + len(known) * HOUR

    fine, coarse = of(panel, as_of), of(panel.at_step(DAY), as_of)

    days = len(known) // 24 - (known.index(True) // 24 if any(known) else 0)
    assert abs(coarse.completeness - fine.completeness) <= 1.0 / days
    assert 0.0 <= coarse.completeness <= 1.0


def test_a_service_that_began_in_the_evening_is_complete() -> None:
    panel = hourly([False] * 18 + [True] * 54)

    assert of(panel.at_step(DAY), MONDAY + 3 * DAY).completeness == 1.0


def test_rows_of_unlike_steps_are_put_below_each_other() -> None:
    days = SliPanel(("daily",), MONDAY, DAY, np.array([[9.0, np.nan]]), np.array([[10.0, np.nan]]))
    hours = hourly([True, False] * 12, start_at=MONDAY + 12 * HOUR)

    both = below_each_other([hours, days])

    assert (both.service_ids, both.start_at, both.step) == (("s0", "daily"), MONDAY, DAY)
    np.testing.assert_array_equal(both.seen, [[0.25, 0.25], [1.0, 0.0]])
    np.testing.assert_array_equal(both.total[1], days.total[0])
    assert np.nansum(both.good[0]) == np.nansum(hours.good)
    with pytest.raises(ValueError, match="no panel"):
        below_each_other([])
    with pytest.raises(ValueError, match="multiple"):
        both.at_step(HOUR)


def test_cut_and_picked_panels_keep_what_was_seen() -> None:
    panel = hourly([True] * 24 + [True, False] * 12 + [False] * 24).at_step(DAY)

    cut = panel.between(MONDAY + DAY, MONDAY + 3 * DAY).select(["nobody", "s0"])

    np.testing.assert_array_equal(cut.seen, [[0.0, 0.0], [0.5, 0.0]])


def test_a_window_of_half_days_is_no_outcome() -> None:
    half, nearly = [True, False] * 84, ([False] + [True] * 23) * 7
    panel = hourly(half, nearly).at_step(DAY)

    assert outcome_of(panel, {}, MONDAY, WINDOW).availability.keys() == {"s1"}
