from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior, prior_from_days
from sloengine.domain.recommendation.predictive import Predictive, predict
from sloengine.domain.reliability.daily import DailyHistory, daily_sums
from tests.domain.recommendation.organizations import START, organization

PANEL = organization(services=30, days=90)
PRIOR = learn_prior(PANEL, as_of=PANEL.ends_at)
SHIPPED = OrganizationPrior.shipped()


def one(bad: np.ndarray, valid: np.ndarray, exposure: np.ndarray | None = None) -> DailyHistory:
    seen = np.ones_like(valid) if exposure is None else exposure
    return DailyHistory(("me",), START, bad[None, :], valid[None, :], seen[None, :])


def drawn(history: DailyHistory, prior: OrganizationPrior = PRIOR, window_days: float = 28.0) -> Predictive:
    return predict(
        history,
        prior,
        window_days=window_days,
        expected_daily_traffic=1e5,
        rng=np.random.default_rng(9),
        n_draws=4_096,
    )


def test_draws_are_ratios_and_the_same_seed_gives_the_same() -> None:
    history = one(np.zeros(30), np.full(30, 1e5))

    first, second = drawn(history), drawn(history)

    assert np.array_equal(first.unavailability, second.unavailability)
    assert first.unavailability.min() >= 0
    assert first.unavailability.max() <= 1


def test_a_brand_new_service_gets_the_organisation_and_without_one_the_shipped_prior() -> None:
    nothing = one(np.zeros(0), np.zeros(0))

    organisation, shipped = drawn(nothing), drawn(nothing, SHIPPED)

    assert organisation.facts.own_weight == shipped.facts.own_weight == 0
    assert organisation.facts.peers == 30
    assert shipped.facts.peers == 0
    assert np.quantile(shipped.unavailability, 0.98) > 1e-3


def test_own_history_takes_over_with_time() -> None:
    weights = [drawn(one(np.zeros(n), np.full(n, 1e5))).facts.own_weight for n in (1, 7, 30, 90)]

    assert weights == sorted(weights)
    assert weights[0] < 0.2
    assert weights[-1] > 0.5


def test_the_mean_number_of_episodes_is_the_posterior_rate_times_the_window() -> None:
    bad = np.zeros(60)
    bad[[10, 30, 50]] = 3_000.0

    predictive = drawn(one(bad, np.full(60, 1e5)))

    # Compound Poisson: E = W x rate; one draw in twenty has the prior's rate, and the shared blur widens it.
    expected = 28 * predictive.facts.rate_per_day
    assert predictive.episode_count.mean() == pytest.approx(expected, rel=0.15)


def test_a_long_record_of_known_incidents_is_predicted_as_it_was() -> None:
    rng = np.random.default_rng(0)
    valid = np.full((40, 360), 1e5)
    bad = np.where(rng.random((40, 360)) < 0.1, 1_000.0, 3.0)
    history = DailyHistory(tuple(map(str, range(40))), START, bad, valid, np.ones((40, 360)))

    predictive = predict(
        history.row("0"),
        prior_from_days(history, learnt_at=START),
        window_days=28,
        expected_daily_traffic=1e5,
        rng=np.random.default_rng(1),
        n_draws=4_096,
    )

    # A tenth of the days (some adjoin) lose 1 % of a day's traffic: mean 28 x 0.1 x 0.01 / 28, plus base 3e-5.
    # Incidents of the look-back's far end have faded, so the rate is only known to about a fifth.
    assert predictive.unavailability.mean() == pytest.approx(1.03e-3, rel=0.35)


@settings(max_examples=25, deadline=None)
@given(day=st.integers(0, 29), factor=st.floats(1.0, 20.0), size=st.floats(500.0, 4_000.0))
def test_a_worse_incident_never_improves_the_prediction(day: int, factor: float, size: float) -> None:
    bad = np.full(30, 3.0)
    bad[day] = size
    worse = bad.copy()
    worse[day] = min(1e5, size * factor)

    before, after = (drawn(one(failures, np.full(30, 1e5))) for failures in (bad, worse))

    for level in (0.8, 0.92, 0.98):
        low, high = (np.quantile(p.unavailability, level) for p in (before, after))
        assert high >= low - 1e-9


@settings(max_examples=25, deadline=None)
@given(day=st.integers(2, 27))
def test_one_more_bad_incident_never_improves_the_prediction(day: int) -> None:
    bad = np.full(30, 3.0)
    bad[0] = 2_000.0
    worse = bad.copy()
    worse[day] = 20_000.0  # no smaller than anything seen: evidence of more, and of worse

    before, after = (drawn(one(failures, np.full(30, 1e5))) for failures in (bad, worse))

    for level in (0.8, 0.92, 0.98):
        assert np.quantile(after.unavailability, level) >= np.quantile(before.unavailability, level)


@given(extra=st.floats(0.0, 30.0))
@settings(max_examples=25, deadline=None)
def test_more_failures_every_day_never_improve_the_prediction(extra: float) -> None:
    calm, worse = np.full(60, 3.0), np.full(60, 3.0 + extra)

    before, after = (drawn(one(failures, np.full(60, 1e5))) for failures in (calm, worse))

    for level in (0.8, 0.92, 0.98):
        # Within the noise of the simulation: both use the same random numbers.
        assert np.quantile(after.unavailability, level) >= np.quantile(before.unavailability, level) * 0.98


def test_a_longer_window_averages_more() -> None:
    history = one(np.zeros(90), np.full(90, 1e5))

    week, quarter = drawn(history, window_days=7.0), drawn(history, window_days=91.3)

    assert np.quantile(week.unavailability, 0.8) < np.quantile(quarter.unavailability, 0.8)
    assert np.quantile(week.unavailability, 0.999) > np.quantile(quarter.unavailability, 0.999) * 0.5


def test_an_incident_that_is_still_running_counts_for_the_window_ahead() -> None:
    over, running = np.zeros(30), np.zeros(30)
    over[20], running[29] = 5_000.0, 5_000.0

    ahead = [drawn(one(bad, np.full(30, 1e5))) for bad in (over, running)]

    assert ahead[1].facts.running
    assert ahead[1].episode_count.mean() > ahead[0].episode_count.mean()


def test_a_partial_day_counts_as_the_part_it_is() -> None:
    valid = np.full(10, 1e5)
    whole = drawn(one(np.zeros(10), valid)).facts
    half = drawn(one(np.zeros(10), valid / 2, np.full(10, 0.5))).facts

    assert half.own_days == pytest.approx(5.0)
    assert half.own_weight < whole.own_weight


def test_prior_and_history_may_come_from_steps_of_an_hour() -> None:
    history = daily_sums(PANEL, as_of=PANEL.ends_at, lookback_days=90)

    assert drawn(history.row("service-0")).facts.own_days == 90
