from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def panel_of(bad: np.ndarray, valid: np.ndarray, step: timedelta) -> SliPanel:
    names = tuple(f"s{i}" for i in range(len(bad)))
    return SliPanel(names, START, step, valid - bad, valid)


@pytest.mark.parametrize("minutes", [1, 5, 60, 360, 1440])
def test_any_step_gives_the_same_days(minutes: int) -> None:
    rng = np.random.default_rng(2)
    per_minute_valid = rng.poisson(3.0, (2, 3 * 1440)).astype(float)
    per_minute_bad = rng.binomial(per_minute_valid.astype(int), 0.1).astype(float)

    def summed(values: np.ndarray) -> np.ndarray:
        return values.reshape(2, -1, minutes).sum(axis=2)

    panel = panel_of(summed(per_minute_bad), summed(per_minute_valid), timedelta(minutes=minutes))

    history = daily_sums(panel, as_of=START + 3 * DAY, lookback_days=90)

    assert np.allclose(history.valid, per_minute_valid.reshape(2, 3, 1440).sum(axis=2))
    assert np.allclose(history.bad, per_minute_bad.reshape(2, 3, 1440).sum(axis=2))
    assert np.allclose(history.exposure, 1.0)


@given(hours=st.integers(1, 24 * 9), step=st.sampled_from([7, 15, 60, 90]))
def test_nothing_is_lost_and_nothing_counted_twice(hours: int, step: int) -> None:
    n = hours * 60 // step
    valid = np.arange(1.0, n + 1)[None, :]
    panel = panel_of(valid / 2, valid, timedelta(minutes=step))

    history = daily_sums(panel, as_of=panel.ends_at, lookback_days=90)

    assert history.valid.sum() == pytest.approx(valid.sum())
    assert history.exposure.max(initial=0) <= 1


def test_the_future_and_what_is_older_than_the_look_back_do_not_count() -> None:
    valid = np.ones((1, 100))
    panel = panel_of(valid * 0, valid, DAY)

    history = daily_sums(panel, as_of=START + 60 * DAY, lookback_days=30)

    assert history.valid.sum() == 30
    assert history.ends_at == START + 60 * DAY


def test_missing_intervals_shorten_the_exposure_and_are_not_zeros() -> None:
    valid = np.full((1, 48), 10.0)
    valid[0, :12] = np.nan
    panel = SliPanel(("s",), START, timedelta(hours=1), valid.copy(), valid)

    history = daily_sums(panel, as_of=START + 2 * DAY, lookback_days=90)

    assert history.exposure.tolist() == [[0.5, 1.0]]
    assert history.valid.tolist() == [[120.0, 240.0]]
    assert history.expected_daily_traffic()[0] == pytest.approx(240.0)


def test_a_source_that_stopped_leaves_empty_days_before_as_of() -> None:
    valid = np.ones((1, 10))
    panel = panel_of(valid * 0, valid, DAY)

    history = daily_sums(panel, as_of=START + 12 * DAY, lookback_days=90)

    assert history.exposure[0, -2:].tolist() == [0.0, 0.0]
    assert history.valid.sum() == 10


def test_days_nobody_has_data_for_at_the_old_end_are_left_out() -> None:
    valid = np.full((2, 40), np.nan)
    valid[0, 33:], valid[1, 36:] = 10.0, 10.0
    valid[0, 38] = np.nan

    history = daily_sums(panel_of(valid * 0, valid, DAY), as_of=START + 40 * DAY, lookback_days=90)
    nothing = daily_sums(panel_of(valid * 0, valid, DAY), as_of=START + 33 * DAY, lookback_days=90)

    assert history.exposure.tolist() == [[1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1, 1]]
    assert history.ages[0] == 6.5
    assert nothing.valid.shape == (2, 0)


def test_shares_of_time_become_minutes_and_counts_stay() -> None:
    valid = np.array([[1.0, 1.0, 1.0], [500.0, 400.0, 450.0]])
    bad = np.array([[0.0, 0.25, 0.0], [0.0, 1.5, 0.0]])

    history, shares = daily_sums(panel_of(bad, valid, DAY), as_of=START + 3 * DAY, lookback_days=90).in_events()

    assert shares.tolist() == [True, False]
    assert history.bad[0].tolist() == [0.0, 360.0, 0.0]
    assert history.valid[1].tolist() == [500.0, 400.0, 450.0]


def test_a_few_requests_counted_with_extrapolation_are_no_shares_of_time() -> None:
    # Three requests in three days, one failed, as Prometheus counts them: each hour a little above a whole number.
    valid = np.array([[0.0, 2.01, 1.005]])
    bad = np.array([[0.0, 1.005, 0.0]])

    history, shares = daily_sums(panel_of(bad, valid, DAY), as_of=START + 3 * DAY, lookback_days=90).in_events()

    assert shares.tolist() == [False]
    assert history.valid[0].tolist() == [0.0, 2.01, 1.005]


def test_shares_of_a_day_that_was_seen_in_part_are_shares_of_time() -> None:
    hour = timedelta(hours=1)
    valid = np.full((1, 48), 1 / 24)
    valid[0, :10] = np.nan
    bad = np.where(np.isnan(valid), np.nan, 0.0)
    bad[0, 30] = 1 / 48

    history, shares = daily_sums(panel_of(bad, valid, hour), as_of=START + 2 * DAY, lookback_days=90).in_events()

    assert shares.tolist() == [True]
    assert history.bad[0] == pytest.approx([0.0, 30.0])


def test_an_unknown_service_has_no_exposure() -> None:
    valid = np.ones((1, 3))

    history = daily_sums(panel_of(valid * 0, valid, DAY), as_of=START + 3 * DAY, lookback_days=90).row("nobody")

    assert history.exposure.sum() == 0
    assert np.isnan(history.expected_daily_traffic()[0])
