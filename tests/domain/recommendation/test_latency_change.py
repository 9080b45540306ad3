from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.recommendation.latency_change import change_of_balanced_latency, spells_since
from sloengine.domain.recommendation.latency_days import describe_days
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.lifecycle import previous_target
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow

START, DAY = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
BOUNDS = np.r_[np.geomspace(0.05, 12.8, 25), np.inf]
LAST = 60


def history(slow: set[int], n_days: int = LAST) -> LatencyHistory:
    counts = np.zeros((n_days, len(BOUNDS)))
    for day in range(n_days):
        counts[day, 3:6] = 30_000
        if day in slow:
            counts[day, 20] = 40_000
    return LatencyHistory("checkout", START, BOUNDS, counts)


def ask(told: LatencyHistory, day: int, previous: Recommendation | None = None) -> Recommendation:
    as_of = START + DAY * day
    request = LatencyRequest("checkout", ComplianceWindow.ROLLING_28D, as_of, told, as_of, previous=previous)
    found = recommend_latency(request, learn_latency_prior({"checkout": told}, as_of=as_of), EngineSettings())
    assert isinstance(found, Recommendation)
    return found


def test_a_threshold_that_a_slow_spell_moved_says_so():
    told = history({50, 51, 58})
    before = ask(told, 50)

    now = ask(told, LAST, before)

    was, to = (previous_target(one, TierName.BALANCED, ObjectiveKind.LATENCY_P99) for one in (before, now))
    assert was is not None
    assert to is not None
    assert was.threshold_ms is not None
    assert to.threshold_ms is not None
    assert to.threshold_ms > was.threshold_ms
    moved = f"p99 from {figure_text(was.threshold_ms, 6)} to {figure_text(to.threshold_ms, 6)} ms"
    assert moved in now.summary
    assert now.summary.endswith("after 2 slow spells on or since 2026-02-20.")


def test_nothing_is_said_where_nothing_moved_or_nothing_was_on_record():
    told = history({20})
    first = ask(told, LAST)

    assert "moved" not in first.summary
    assert "moved" not in ask(told, LAST, first).summary


def test_a_threshold_that_moved_without_a_spell_of_its_own_says_that():
    told = history({20})
    first = ask(told, LAST)
    days = describe_days(BOUNDS, told.counts, LAST - np.arange(LAST) - 0.5)
    assert days is not None
    balanced = first.tier(TierName.BALANCED)
    faster = replace(
        balanced, targets=tuple(replace(one, threshold_ms=(one.threshold_ms or 0) / 2) for one in balanced.targets)
    )
    tiers = tuple(faster if tier.name is TierName.BALANCED else tier for tier in first.tiers)

    said = change_of_balanced_latency(first, tiers, days, START + DAY * LAST)
    gone = change_of_balanced_latency(first, (replace(balanced, targets=()),), days, START + DAY * LAST)

    assert said is not None
    assert said.startswith("Balanced moved: p95 from ")
    assert said.endswith("with no slow spell of its own since 2026-03-02.")
    assert gone is not None
    assert "ms to no target" in gone


def test_a_spell_that_was_over_when_the_earlier_answer_was_made_did_not_move_it():
    """That answer was made as 20 February began, and saw all of the 19th; one that went on is another matter."""
    over, longer = history({48, 49}), history({48, 49, 50})
    balanced = ask(over, 50).tier(TierName.BALANCED)
    moved = (replace(balanced, targets=()),)
    said = []
    for told in (over, longer):
        days = describe_days(BOUNDS, told.counts, LAST - np.arange(LAST) - 0.5)
        assert days is not None
        said.append(change_of_balanced_latency(ask(told, 50), moved, days, START + DAY * LAST) or "")

    assert said[0].endswith("with no slow spell of its own since 2026-02-20.")
    assert said[1].endswith("after 1 slow spell on or since 2026-02-20.")


@given(
    slow=st.sets(st.integers(0, 29), max_size=8),
    gone=st.sets(st.integers(0, 29), max_size=8),
    age=st.integers(0, 29),
)
def test_spells_are_counted_by_their_last_day(slow: set[int], gone: set[int], age: int):
    told = history(slow, 30)
    kept = [day for day in range(30) if day not in gone]
    if len(kept) < 20:
        return
    days = describe_days(BOUNDS, told.counts[kept], 30 - np.array(kept) - 0.5)
    assert days is not None

    ends = [
        day
        for day in kept
        if days.bad[kept.index(day)] and not (day + 1 in kept and days.bad[kept.index(day + 1)])
    ]
    assert spells_since(days, float(age)) == sum(day >= 30 - age for day in ends)


@pytest.mark.parametrize("age", [0.0, 3.0])
def test_no_days_have_no_spells(age: float):
    days = describe_days(BOUNDS, history(set(), 5).counts, np.arange(5)[::-1] + 0.5)

    assert days is not None
    assert spells_since(days, age) == 0
