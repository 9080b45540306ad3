from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.forecast.coming_traffic import coming_traffic
from sloengine.domain.forecast.conformal import random_rank
from sloengine.domain.forecast.failure_paths import failure_paths
from sloengine.domain.forecast.horizon import horizon_of
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

AS_OF = datetime(2026, 3, 20, 6, tzinfo=UTC)
WEEK = np.array([1.2, 1.1, 1.1, 1.1, 1.1, 0.7, 0.7])


def history(events: FloatArray, bad: FloatArray | None = None) -> DailyHistory:
    failed = np.zeros(len(events)) if bad is None else bad
    return DailyHistory(("a",), AS_OF, failed[None], events[None], np.ones((1, len(events))))


@pytest.mark.parametrize("days", [28, 33, 90])
def test_a_rhythm_without_noise_goes_on_as_it_was(days: int):
    series = 1_000.0 * np.resize(WEEK, days + 12)

    coming = coming_traffic(history(series[:days]), np.r_[np.ones(11), 0.25])

    assert coming is not None
    assert coming.daily == pytest.approx(1_000.0)
    assert coming.expected == pytest.approx(series[days:] * np.r_[np.ones(11), 0.25])
    assert coming.stray == pytest.approx(0.0, abs=1e-9)


def test_days_that_differ_by_chance_are_no_rhythm():
    """Over many services: next week is told no worse than by the plain mean, whose error is known."""
    rng = np.random.default_rng(3)
    off = []
    for _ in range(400):
        days = 1_000.0 * np.exp(0.2 * rng.standard_normal(28))
        coming = coming_traffic(history(days), np.ones(7))
        assert coming is not None
        off.append(((coming.expected - 1_000 * np.exp(0.02)) ** 2).mean())

    plain = (1_000 * np.exp(0.02)) ** 2 * np.expm1(0.04) / 28
    believed_whole = 7 * plain
    assert np.mean(off) < plain + 0.25 * (believed_whole - plain)


@pytest.mark.parametrize(("days", "rhythm"), [(28, np.ones(7)), (28, WEEK), (4, np.ones(7))])
def test_what_comes_is_one_more_draw(days: int, rhythm: FloatArray):
    """Ranks of the coming days among the draws are uniform: as often under each level as it says."""
    rng = np.random.default_rng(5)
    ranks = []
    for _ in range(300):
        series = 1e5 * np.resize(rhythm, days + 7) * np.exp(0.1 * rng.standard_normal(days + 7))
        coming = coming_traffic(history(series[:days]), np.ones(7))
        assert coming is not None
        draws = coming.draws(rng, 200)
        ranks += [random_rank(draws[:, step], series[days + step], rng.random()) for step in range(7)]

    # Four days know little of the spread.
    tolerance = 0.04 if days == 28 else 0.12
    for level in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert np.mean(np.array(ranks) <= level) == pytest.approx(level, abs=tolerance)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(1, 31))
def test_whatever_was_seen_the_coming_days_are_numbers_and_no_less_than_nothing(days: list[float], steps: int):
    coming = coming_traffic(history(np.array(days)), np.ones(steps))

    if coming is None:
        assert sum(days[-28:]) == pytest.approx(0.0, abs=1e-9)
        return
    draws = coming.draws(np.random.default_rng(1), 20)
    assert np.isfinite(draws).all()
    assert (draws >= 0).all()
    assert 0 <= coming.stray < np.inf


def test_half_a_day_of_data_is_no_quiet_weekday():
    days = history(1_000.0 * np.resize(WEEK, 28))
    cut = replace(days, valid=days.valid.copy(), exposure=days.exposure.copy())
    cut.valid[0, -7] *= 0.5
    cut.exposure[0, -7] = 0.5

    whole, partial = (coming_traffic(one, np.ones(7)) for one in (days, cut))

    assert whole is not None
    assert partial is not None
    assert partial.expected == pytest.approx(whole.expected, rel=0.02)


@pytest.mark.parametrize("days_left", [1, 3])
def test_the_end_of_a_month_is_covered_though_little_can_happen_any_more(days_left: int):
    """Services that fail at a steady share after an outage, traffic with a weekly rhythm: what they have spent at
    the end lies at or below each level of the draws as often as it says. Without rhythm and spread of traffic half
    of them lay outside of all draws.
    """
    rng = np.random.default_rng(11)
    as_of = datetime(2026, 4, 30 - days_left + 1, tzinfo=UTC)
    past = 90
    ranks = []
    for _ in range(150):
        traffic = 2e5 * np.resize(WEEK, past + days_left) * np.exp(0.1 * rng.standard_normal(past + days_left))
        bad = rng.binomial(traffic.astype(np.int64), 2e-5 * np.exp(0.3 * rng.standard_normal(past + days_left)))
        bad = bad.astype(float)
        bad[past - 12] += 4_000
        known = replace(history(traffic[:past], bad[:past]), ends_at=as_of)
        horizon = horizon_of(bad[:past], traffic[:past], window=ComplianceWindow.CALENDAR_MONTH, as_of=as_of)
        paths = failure_paths(known, OrganizationPrior.shipped(), horizon.step_days, rng, 300)
        assert paths is not None
        assert len(horizon.step_days) == days_left
        draws = horizon.consumed(paths.failures, paths.traffic, 0.999).max(axis=-1)
        ranks.append(random_rank(draws, horizon.consumed(bad[past:], traffic[past:], 0.999).max(), rng.random()))

    covered = {level: np.mean(np.array(ranks) <= level) for level in (0.1, 0.5, 0.9)}
    assert covered == pytest.approx({0.1: 0.1, 0.5: 0.5, 0.9: 0.9}, abs=0.1)
