"""Own work told from whole latency: against laws that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sloengine.domain.topology.own_work import fit_own_work

BOUNDS = np.geomspace(0.05, 60.0, 60)
LEVELS = (np.arange(20_000) + 0.5) / 20_000


def test_the_sum_of_two_exponential_times_is_taken_apart():
    """An Erlang time of two stages, of which one is waiting: the other is exponential."""
    waits = stats.expon.ppf(LEVELS)

    own = fit_own_work(BOUNDS, stats.gamma.cdf(BOUNDS, 2), waits, np.ones_like(waits))

    assert np.abs(own.off).max() < 0.005
    for level in (0.5, 0.9, 0.95):
        assert own.at(np.array([level]))[0] == pytest.approx(stats.expon.ppf(level), rel=0.06)


def test_without_waiting_own_work_is_what_was_measured():
    own = fit_own_work(BOUNDS, stats.expon.cdf(BOUNDS), np.zeros(100), np.ones(100))

    drawn = own.at(LEVELS)
    for level in (0.5, 0.95, 0.99):
        assert np.quantile(drawn, level) == pytest.approx(stats.expon.ppf(level), rel=0.03)


def test_a_service_that_is_faster_than_its_waits_is_not_explained():
    """Two calls at once, each exponential, taken to be one after another."""
    waits = stats.gamma.ppf(LEVELS, 2)

    own = fit_own_work(BOUNDS, stats.expon.cdf(BOUNDS) ** 2, waits, np.ones_like(waits))

    assert not own.explains
