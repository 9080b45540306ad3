from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.burn_alerts import burn_rate_rules, fired_alerts
from sloengine.domain.reliability.worst_windows import worst_stretches

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_the_factors_of_thirty_days_are_the_workbook_s() -> None:
    rules = burn_rate_rules(30 * DAY)

    # The Site Reliability Workbook, table 5-8, and its example rule for 1 d / 2 h.
    assert [(r.severity, r.long_window, r.short_window) for r in rules] == [
        ("page", 1 * HOUR, timedelta(minutes=5)),
        ("page", 6 * HOUR, timedelta(minutes=30)),
        ("ticket", 24 * HOUR, 2 * HOUR),
        ("ticket", 72 * HOUR, 6 * HOUR),
    ]
    assert [r.factor for r in rules] == pytest.approx([14.4, 6, 3, 1])


def test_a_budget_too_large_for_the_factor_never_alerts() -> None:
    fastest = burn_rate_rules(30 * DAY)[0]
    total, none = np.full(240, 100.0), np.zeros(240)

    assert fastest.can_fire(0.99)
    assert not fastest.can_fire(0.93)
    fired = fired_alerts(none, total, start_at=START, step=HOUR, target=0.93, window=30 * DAY)
    assert {alert.rule.long_window for alert in fired} == {6 * HOUR, 24 * HOUR, 72 * HOUR}


def test_an_outage_pages_when_it_has_burnt_two_percent_and_stops_with_it() -> None:
    valid = np.full(24 * 10, 1_000.0)
    good = valid.copy()
    good[100:103] = 0.0

    fired = fired_alerts(good, valid, start_at=START, step=HOUR, target=0.999, window=28 * DAY)

    page = next(alert for alert in fired if alert.rule.long_window == HOUR)
    assert (page.from_at, page.to_at) == (START + 101 * HOUR, START + 104 * HOUR)
    assert all(alert.from_at >= START + 101 * HOUR for alert in fired)


def test_nothing_fires_before_its_window_is_full_of_data() -> None:
    valid = np.full(80, 1_000.0)
    valid[:4] = np.nan

    fired = fired_alerts(valid * 0.9, valid, start_at=START, step=HOUR, target=0.999, window=28 * DAY)

    first = {alert.rule.long_window: alert.from_at for alert in fired}
    assert first == {hours * HOUR: START + (4 + hours) * HOUR for hours in (1, 6, 24, 72)}


def test_of_daily_data_only_what_a_day_can_tell_is_replayed() -> None:
    valid = np.full(30, 24_000.0)

    fired = fired_alerts(valid * 0.5, valid, start_at=START, step=DAY, target=0.999, window=28 * DAY)

    assert {alert.rule.long_window for alert in fired} == {1 * DAY, 3 * DAY}


events = st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), min_size=1, max_size=120)


@given(series=events, target=st.sampled_from([0.9, 0.99, 0.999]))
def test_alerts_are_those_of_a_plain_walk_through_time(series: list[tuple[int, float]], target: float) -> None:
    valid = np.array([float(n) for n, _ in series])
    bad = np.array([float(round(n * share)) for n, share in series])

    fired = fired_alerts(valid - bad, valid, start_at=START, step=HOUR, target=target, window=28 * DAY)

    expected = set()
    for rule in burn_rate_rules(28 * DAY):
        long, short = max(1, round(rule.long_window / HOUR)), max(1, round(rule.short_window / HOUR))
        for now in range(long, len(series) + 1):
            ratios = []
            for length in (long, short):
                asked = valid[now - length : now].sum()
                ratios.append(bad[now - length : now].sum() / asked if asked else 0.0)
            if min(ratios) > rule.factor * (1 - target):
                expected.add((rule.long_window, now))
    walked = {
        (alert.rule.long_window, now)
        for alert in fired
        for now in range(round((alert.from_at - START) / HOUR), round((alert.to_at - START) / HOUR))
    }
    still_firing = {
        (alert.rule.long_window, len(series)) for alert in fired if alert.to_at == START + len(series) * HOUR
    }
    assert walked <= expected
    assert expected <= walked | still_firing


@given(series=events)
def test_the_worst_stretch_is_the_worst_of_all_stretches(series: list[tuple[int, float]]) -> None:
    valid = np.array([float(n) for n, _ in series])
    bad = np.array([float(round(n * share)) for n, share in series])

    found = worst_stretches(bad, valid, start_at=START, step=HOUR)

    for worst in found:
        length = round(worst.length / HOUR)
        ratios = [
            bad[i : i + length].sum() / valid[i : i + length].sum()
            for i in range(len(series) - length + 1)
            if valid[i : i + length].sum() > 0
        ]
        assert worst.bad_ratio == pytest.approx(max(ratios))
    told = {worst.length for worst in found}
    assert told <= {hours * HOUR for hours in (1, 6, 24, 72, 168, 672)}
    assert valid.sum() == 0 or HOUR in told


def test_missing_hours_neither_burn_nor_count() -> None:
    valid, bad = np.full(48, 10.0), np.zeros(48)
    bad[5] = 5.0
    valid[20:30], bad[20:30] = np.nan, np.nan

    hour, six, day = worst_stretches(bad, valid, start_at=START, step=HOUR)

    assert (hour.bad_ratio, hour.from_at) == (0.5, START + 5 * HOUR)
    assert six.bad_ratio == pytest.approx(5 / 60)
    # 24 hours from 5 o'clock on, ten of them without data.
    assert day.bad_ratio == pytest.approx(5 / 150)
