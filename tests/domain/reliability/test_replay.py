from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.replay import replay_windows, window_span, window_sums

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_disjoint_windows_go_back_from_as_of_and_rolling_ones_move_by_a_day() -> None:
    windows = replay_windows(np.ones(90, dtype=bool), DAY, 28 * DAY)

    assert windows.disjoint.tolist() == [90, 62, 34]
    assert windows.rolling.tolist() == list(range(28, 91))


def test_history_shorter_than_one_window_has_none() -> None:
    windows = replay_windows(np.ones(27 * 24, dtype=bool), HOUR, 28 * DAY)

    assert windows.disjoint.size == windows.rolling.size == 0


def test_history_begins_with_its_first_data_not_with_the_panel() -> None:
    known = np.ones(90, dtype=bool)
    known[:50] = False

    assert replay_windows(known, DAY, 28 * DAY).disjoint.tolist() == [90]


@pytest.mark.parametrize("step", [HOUR, timedelta(minutes=30), DAY])
def test_rolling_windows_are_a_day_apart_at_any_step(step: timedelta) -> None:
    n = int(60 * DAY / step)

    windows = replay_windows(np.ones(n, dtype=bool), step, 7 * DAY)

    assert set(np.diff(windows.rolling)) == {round(DAY / step)}


def test_sums_take_missing_data_as_nothing() -> None:
    values = np.array([1.0, np.nan, 3.0, 4.0])

    assert window_sums(values, np.array([2, 4]), 2).tolist() == [1.0, 7.0]


def test_a_window_covers_its_span() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert window_span(28, 28, start, DAY) == (start, start + 28 * DAY)
