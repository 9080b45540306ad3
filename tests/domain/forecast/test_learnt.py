from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.learnt import Correction, FinishedOrigin, Learnt, learnt_from
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.window import ComplianceWindow

AT = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
START = Correction(AdaptiveLevels.fresh(), ProbabilityMap(0.8, by_spent=0.6))


def origin(place: int, over_after: timedelta, n: int = 200) -> FinishedOrigin:
    """A model that is far too careful: nothing runs out, and all comes out low among the draws."""
    ranks = np.random.default_rng(place).uniform(0, 0.5, n)
    within, spent = np.full(n, 0.9), np.linspace(0.0, 1.0, n)
    return FinishedOrigin(AT + place * WEEK, AT + place * WEEK + over_after, within, spent, ranks, np.zeros(n))


def test_what_was_learnt_survives_being_written_and_another_schema_is_refused():
    known = Learnt(START, Correction(START.levels.after(np.linspace(0, 0.5, 30)), ProbabilityMap(0.9, 12)))

    again = Learnt.from_dict(known.to_dict())

    assert again.rolling.probability == ProbabilityMap(0.8, by_spent=0.6)
    assert again.month.probability == ProbabilityMap(0.9, 12)
    assert np.array_equal(again.month.levels.used, known.month.levels.used)
    with pytest.raises(ValueError, match="schema"):
        Learnt.from_dict({**known.to_dict(), "schema": 3})


def test_a_month_is_corrected_by_months_and_28_days_by_weeks():
    month = Correction(START.levels.after(np.zeros(500)), ProbabilityMap(0.5))
    known = Learnt(START, month)

    assert known.of(ComplianceWindow.CALENDAR_MONTH) is month
    assert known.of(ComplianceWindow.ROLLING_28D) is START
    assert known.of(ComplianceWindow.ROLLING_30D) is START


def test_without_finished_origins_all_is_as_shipped():
    found = learnt_from([], START)

    assert found.levels is START.levels
    assert found.probability == START.probability


def test_the_ratio_is_learnt_from_what_the_draws_told_and_what_was_spent_then():
    finished = [origin(place, WEEK) for place in range(4)]

    found = learnt_from(finished, START)

    told, weeks = np.full(800, 0.1), np.repeat(np.arange(4.0), 200)
    spent = np.tile(np.linspace(0.0, 1.0, 200), 4)
    expected = fitted(told, np.zeros(800), weeks, START.probability, spent=spent)
    assert found.probability == expected
    assert found.probability.by_spent == 0.6
    assert (found.levels.origins, found.levels.outcomes) == (4, 800)


def test_levels_that_follow_each_week_do_not_move_the_probability():
    """One strange week moves the levels far; what the draws say of the budget stays what it was."""
    moved = Correction(START.levels.after(np.zeros(500)), START.probability)

    within, spent = np.linspace(0.0, 1.0, 50), 0.4

    assert not np.allclose(moved.levels.used, START.levels.used)
    assert np.array_equal(moved.exhausted(within, spent), START.exhausted(within, spent))
    assert START.exhausted(0.9, 0.4) == pytest.approx(START.probability.of(0.1, 0.4))


def test_origins_of_one_month_move_the_levels_together_by_one_step():
    """Four looks at the same outcome are not four outcomes."""
    month_end = AT + 5 * WEEK
    looks = [replace(origin(0, WEEK), made_at=AT + place * WEEK, over_at=month_end) for place in range(4)]

    four = learnt_from(looks, START)
    one = learnt_from(looks[:1], START)

    moved = (four.levels.used - START.levels.used)[5:], (one.levels.used - START.levels.used)[5:]
    assert moved[0] == pytest.approx(moved[1], rel=0.4)
    assert four.probability.ratio == pytest.approx(one.probability.ratio, abs=0.25)
