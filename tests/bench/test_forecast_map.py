from __future__ import annotations

import numpy as np
import pytest

from bench.forecast_drawn import ORIGINS, Drawn, day_of
from bench.forecast_map import levels_of, told_and_came
from sloengine.domain.forecast.conformal import LEVELS
from sloengine.domain.forecast.learnt import Correction
from sloengine.domain.reliability.window import ComplianceWindow


def organization(number: int, services: int, power: float) -> Drawn:
    """The model says uniform between 0 and 2; outcomes are 2 times a uniform number to this power."""
    n = services * ORIGINS
    origin = np.repeat(np.arange(ORIGINS, dtype=float), services)
    outcome = 2 * np.random.default_rng(number).random(n) ** power
    return Drawn(
        organization=np.full(n, float(number)),
        service=np.tile(np.arange(services, dtype=float), ORIGINS),
        origin=origin,
        over_at=np.array([day_of(int(one)) + 7.0 for one in origin]),
        running=np.zeros(n),
        daily_traffic=np.full(n, 1e5),
        spent=np.zeros(n),
        outcome=outcome,
        floor=np.zeros(n),
        points=np.zeros((n, 3)),
        draws=np.tile(np.linspace(0.01, 2, 200), (n, 1)),
    )


def test_levels_start_at_the_models_own_below_which_that_share_of_outcomes_lay():
    """Closed form: the square of a uniform number lies below x with probability sqrt(x): level p is p squared."""
    found = levels_of([organization(number, 20, 2.0) for number in range(8)])

    assert found.used == pytest.approx(LEVELS**2, abs=0.03)


def test_large_organisations_count_no_more_than_small_ones():
    large, small = organization(1, 100, 2.0), organization(2, 5, 1.0)

    median = levels_of([large, small]).used[5]

    # The mean of sqrt(x) and x is a half where sqrt(x) is the golden ratio.
    assert median == pytest.approx(((np.sqrt(5) - 1) / 2) ** 2, abs=0.05)


def test_a_row_says_what_the_draws_told_when_it_was_over_and_what_came():
    rows = told_and_came([organization(number, 15, 2.0) for number in range(3)])

    told, came = rows[:, 3], rows[:, 4]
    assert rows[[0, 15], :3].tolist() == [[0.0, 0.0, day_of(0) + 7.0], [0.0, 1.0, day_of(1) + 7.0]]
    assert told == pytest.approx(0.5, abs=0.01)
    assert came.mean() == pytest.approx(1 - np.sqrt(0.5), abs=0.03)
    assert (rows[:, 5] == 0).all()


@pytest.mark.parametrize("window", [ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_MONTH])
def test_the_shipped_levels_rise_and_lie_near_what_they_are_used_for(window: ComplianceWindow):
    used = Correction.shipped(window).levels.used

    assert used.shape == LEVELS.shape
    assert (np.diff(used) > 0).all()
    assert used == pytest.approx(LEVELS, abs=0.06)
