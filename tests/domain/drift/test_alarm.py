from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.domain.drift.alarm import alarmed, change_of
from sloengine.domain.drift.model import Change, Detector, start_of
from sloengine.domain.recommendation.model import ObjectiveKind, SliType

AVAILABILITY, P95, P99 = ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99
HOUR = 490_896
SHIFT = Change(HOUR, HOUR - 4, (Detector.PAGE_HINKLEY, Detector.ADWIN), before=0.001, after=0.004)


def later(days: float, after: float = 0.004) -> Change:
    return replace(SHIFT, detected_hour=HOUR + int(24 * days), votes=(Detector.ADWIN,), before=0.004, after=after)


def test_a_change_becomes_an_event_in_the_units_people_use():
    event = alarmed(None, "a", AVAILABILITY, SHIFT)
    slow = alarmed(None, "a", P95, replace(SHIFT, before=3.0, after=4.0))

    assert (event.before, event.after, event.is_worse) == (pytest.approx(0.999), pytest.approx(0.996), True)
    assert event.detected_at == start_of(HOUR + 1)
    assert event.started_at == start_of(HOUR - 4)
    assert (slow.sli_type, slow.is_worse) == (SliType.LATENCY, True)
    assert slow.after == pytest.approx(54.6, abs=0.1)
    assert event.event_id == alarmed(None, "a", AVAILABILITY, SHIFT).event_id != slow.event_id


def test_repeated_alarms_are_one_event_until_two_weeks_are_quiet():
    first = alarmed(None, "a", AVAILABILITY, SHIFT)

    second = alarmed(first, "a", AVAILABILITY, later(10))
    third = alarmed(second, "a", AVAILABILITY, later(20))
    fourth = alarmed(third, "a", AVAILABILITY, later(34.1))

    assert {second.event_id, third.event_id} == {first.event_id}
    assert third.alarms == 3
    assert third.detected_at == first.detected_at
    assert third.last_alarm_at == first.detected_at + timedelta(days=20)
    assert fourth.event_id != first.event_id


def test_a_level_twice_as_far_off_is_an_event_of_its_own():
    first = alarmed(None, "a", AVAILABILITY, SHIFT)

    assert alarmed(first, "a", AVAILABILITY, later(3, after=0.012)).event_id == first.event_id
    assert alarmed(first, "a", AVAILABILITY, later(3, after=0.016)).event_id != first.event_id


def test_p95_and_p99_of_one_shift_are_one_event():
    first = alarmed(None, "a", P95, replace(SHIFT, before=3.0, after=3.1))

    second = alarmed(first, "a", P99, replace(later(1), before=4.0, after=6.0))

    assert second.event_id == first.event_id
    assert second.kind is P95


def test_a_recommendation_is_told_what_changed():
    worse = change_of(alarmed(None, "a", AVAILABILITY, SHIFT))
    faster = change_of(alarmed(None, "a", P95, replace(SHIFT, before=4.0, after=3.0)))
    slower = change_of(alarmed(None, "a", P95, replace(SHIFT, before=3.0, after=4.0)))

    assert worse.message == (
        "behaviour changed on 2025-12-31 20:00 UTC (availability 99.9 % before, 99.6 % since); targets widened"
    )
    assert "widened" not in faster.message
    assert (faster.slower_by, slower.slower_by) == (1.0, pytest.approx(2.718, abs=1e-3))
    long_after = worse.started_at + timedelta(days=60)
    assert worse.matters(long_after)
    assert not slower.matters(long_after)
