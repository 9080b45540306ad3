"""Common causes: closed form, and a year of real downtime in which sites fail together."""

from __future__ import annotations

import csv
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.topology.common_cause import common_cause, joint_failure_ratio


@given(st.lists(st.floats(1e-6, 0.5), min_size=2, max_size=4), st.floats(0.0, 1.0))
def test_a_common_cause_makes_up_what_independence_leaves_unexplained(own, beta):
    true = beta * min(own)
    joint = true + (1 - true) * float(np.prod([1 - (1 - u) / (1 - true) for u in own]))

    cause, share = common_cause(own, joint)

    assert cause == pytest.approx(true, abs=1e-9)
    assert share == pytest.approx(beta, abs=1e-3)


def test_without_joint_data_it_is_a_tenth():
    assert common_cause([0.01, 0.02], None) == (pytest.approx(0.001), 0.1)


def test_members_that_never_fail_have_no_common_cause():
    assert common_cause([0.0, 0.1], None) == (0.0, 0.0)


def test_failing_apart_is_no_common_cause():
    assert common_cause([0.01, 0.01], 0.0) == (0.0, 0.0)


def test_the_joint_ratio_is_taken_within_the_interval():
    together = np.array([0.0, 1.0, 0.0, 0.0])

    assert joint_failure_ratio([together, together], [0.25, 0.25]) == pytest.approx(0.25)
    assert joint_failure_ratio([together, together[::-1]], [0.25, 0.25]) == 0.0
    assert joint_failure_ratio([np.ones(4), np.ones(4)], [0.1, 0.1]) == pytest.approx(0.01)


@pytest.mark.real_data
def test_two_real_sites_fail_together_most_of_the_time():
    source = (
        Path(os.environ.get("SLOENGINE_REAL_DATA", "../shared/data")) / "uptime-homelab" / "daily_downtime.csv"
    )
    if not source.is_file():
        pytest.skip(f"no real data at {source}: set SLOENGINE_REAL_DATA")
    down: dict[str, dict[date, float]] = {}
    with source.open(newline="") as file:
        for row in csv.DictReader(file):
            minutes = float(row["minutes_down"])
            down.setdefault(row["service"], {})[date.fromisoformat(row["date"])] = minutes / (24 * 60)
    days = [day for series in down.values() for day in series]
    length = (max(days) - min(days)).days + 1
    own = []
    for service in ("pihole-nbg", "pihole-hel"):
        series = np.zeros(length)
        for day, ratio in down[service].items():
            series[(day - min(days)).days] = min(1.0, ratio)
        own.append(series)
    levels = [float(series.mean()) for series in own]

    _, share = common_cause(levels, joint_failure_ratio(own, levels))

    assert 0.5 < share < 0.9
