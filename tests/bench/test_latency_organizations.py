"""Simulated organisations that latency promises are judged on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from bench.latency_organizations import SERVICES, USUAL, SlowOrganization, SlowWorld, levels_of, play
from bench.latency_shared import judge, summarize
from bench.latency_trial import FINE
from sloengine.domain.recommendation.settings import EngineSettings


def test_requests_by_day_are_the_sum_of_its_hours():
    random = np.random.default_rng(4)
    made = SlowOrganization.drawn(random, USUAL)
    levels, slow = random.normal(0, 0.1, (SERVICES, 3)), np.ones((SERVICES, 72))
    slow[5, 20:30], slow[5, 71] = 3.0, 9.0

    found = made.expected(5, levels, slow)

    hours = [
        made.per_hour[5]
        * np.diff(
            norm.cdf(
                (np.log(FINE) - made.log_median[5] - levels[5, hour // 24] - np.log(slow[5, hour])) / made.sigma[5]
            ),
            prepend=0.0,
        )
        for hour in range(72)
    ]
    assert found == pytest.approx(np.array(hours).reshape(3, 24, -1).sum(axis=1), rel=1e-9, abs=1e-9)


def test_a_world_without_slow_spells_of_zones_has_only_services_own():
    random = np.random.default_rng(5)
    apart = SlowOrganization.drawn(random, SlowWorld(shared=False, rate=0.0))

    assert (apart.slow(200, random) == 1.0).all()
    assert SlowWorld(span=3.0).text() == "span 3"


def test_the_oracle_and_the_engine_are_judged_by_the_same_futures():
    judged = judge(7, 14, 8, windows=(7,))[7]
    rows = list(summarize([judged, judge(8, 14, 8, windows=(7,))[7]]))
    levels, shares, rates = levels_of(play(7, 14, 8, windows=(7,)), 7, EngineSettings(n_latency_draws=200))

    assert [row.kind[-3:] for row in rows] == ["P95"] * 3 + ["P99"] * 3
    assert all(0.5 < row.held <= 1 and 0.5 < row.oracle <= 1 for row in rows)
    assert levels.shape == (SERVICES, 2, 8)
    assert ((rates > 1 / 400) & (rates < 1)).all()
    assert ((levels >= 0) & (levels <= 1)).all()
    assert (np.diff(shares, axis=2) >= 0).all()
