from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.forecast.failure_paths import FailurePaths, failure_paths
from sloengine.domain.forecast.forecast import Outlook, Promise, forecast, learn, outlook
from sloengine.domain.forecast.horizon import Horizon
from sloengine.domain.forecast.learnt import Learnt
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.predictive import predict
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AS_OF = datetime(2026, 3, 20, 6, tzinfo=UTC)
PROMISE = Promise("a", 0.999, ComplianceWindow.ROLLING_28D)
SHIPPED = OrganizationPrior.shipped()


def panel(days: int = 90, *, bad_hours: dict[int, float] | None = None, rows: int = 1) -> SliPanel:
    """1,000 requests an hour, one in 10,000 fails; ``bad_hours``: failed share of hours back from as-of."""
    total = np.full((rows, days * 24), 1_000.0)
    bad = np.full_like(total, 0.1)
    for back, share in (bad_hours or {}).items():
        bad[:, -1 - back] = 1_000.0 * share
    names = tuple(chr(ord("a") + row) for row in range(rows))
    return SliPanel(names, AS_OF - days * DAY, HOUR, total - bad, total)


def told(series: SliPanel, promise: Promise = PROMISE, learnt: Learnt | None = None) -> float:
    known = outlook(series, promise, SHIPPED, as_of=AS_OF)
    assert known is not None
    return forecast(known, promise, learnt or Learnt.fresh()).probability_budget_exhausted


@pytest.mark.parametrize("running", [False, True])
def test_the_days_add_up_to_what_is_predicted_of_the_whole_week(running: bool):
    """The draws behind a recommended target, made without days, are the independent source."""
    history = daily_sums(
        panel(bad_hours={900: 0.5, 1_500: 0.3, **({3: 0.4} if running else {})}), as_of=AS_OF, lookback_days=90
    )
    paths = failure_paths(history, SHIPPED, np.ones(7), np.random.default_rng(1), 20_000)
    week = predict(
        history,
        SHIPPED,
        window_days=7,
        expected_daily_traffic=24_000.0,
        rng=np.random.default_rng(2),
        n_draws=20_000,
    )

    assert paths is not None
    assert paths.running is running
    sums = paths.failures.sum(axis=1) / (7 * 24_000)
    for level in (0.25, 0.5, 0.75, 0.9):
        assert np.quantile(sums, level) == pytest.approx(np.quantile(week.unavailability, level), rel=0.12)


def test_a_budget_that_is_spent_is_no_forecast():
    known = outlook(panel(bad_hours={50: 1.0}), PROMISE, SHIPPED, as_of=AS_OF)

    assert known is not None
    found = forecast(known, PROMISE, Learnt.fresh())
    assert (found.probability_budget_exhausted, found.expected_exhaustion_at) == (1.0, AS_OF)
    assert found.method.startswith("counted")


def test_the_more_is_spent_the_likelier_it_runs_out_and_what_falls_out_of_the_window_helps():
    shares = [0.0, 0.2, 0.4, 0.55]
    risks = [told(panel(bad_hours={24 * 10: share})) for share in shares]
    leaving = told(panel(bad_hours={24 * 28 - 2: 0.55}))

    assert risks == sorted(risks)
    assert risks[-1] > 1.5 * risks[0]
    assert leaving < risks[-1]


def test_a_looser_promise_is_safer_for_the_same_past():
    risks = [told(panel(), replace(PROMISE, target=target)) for target in (0.9999, 0.9995, 0.999, 0.99)]

    assert risks == sorted(risks, reverse=True)


def test_the_expected_moment_is_when_it_is_as_likely_as_not():
    steady = panel()
    promise = Promise("a", 0.9998, ComplianceWindow.CALENDAR_MONTH)
    burning = replace(steady, good=steady.total - 0.4)
    known = outlook(burning, promise, SHIPPED, as_of=AS_OF)

    assert known is not None
    found = forecast(known, promise, Learnt.fresh())

    # 4 in 10,000 fail where 2 may, so half of March is enough for all of it, and that is over.
    assert found.expected_exhaustion_at == AS_OF
    slower = outlook(replace(steady, good=steady.total - 0.28), promise, SHIPPED, as_of=AS_OF)
    assert slower is not None
    at = forecast(slower, promise, Learnt.fresh()).expected_exhaustion_at
    # 31 / 1.4 = 22.1 days: on 23 March at 3:00, so by the day's end (6:00).
    assert at is not None
    assert abs(at - datetime(2026, 3, 23, 6, tzinfo=UTC)) <= DAY


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_a_promise_without_a_budget_has_no_forecast(target: float):
    assert outlook(panel(), replace(PROMISE, target=target), SHIPPED, as_of=AS_OF) is None


def test_silence_in_the_last_day_has_no_forecast():
    series = panel()
    series.good[:, -24:] = np.nan
    series.total[:, -24:] = np.nan

    assert outlook(series, PROMISE, SHIPPED, as_of=AS_OF) is None
    assert (
        outlook(panel().select(["unknown"]), replace(PROMISE, service_id="unknown"), SHIPPED, as_of=AS_OF) is None
    )


def test_the_same_inputs_give_the_same_forecast():
    assert told(panel()) == told(panel())


def test_levels_learnt_from_a_calm_organisation_lower_its_risk():
    """Nothing ever happens where the shipped prior expects incidents: the correction learns that."""
    series = panel(days=200, rows=8)
    promises = [replace(PROMISE, service_id=name) for name in series.service_ids]
    origins = [AS_OF - 7 * back * DAY for back in range(1, 9)]
    priors = {origin: learn_prior(series, as_of=origin) for origin in origins}

    learnt = learn(series, promises, {**priors, AS_OF: SHIPPED}, as_of=AS_OF, n_draws=200)

    assert (learnt.rolling.levels.origins, learnt.rolling.levels.outcomes) == (8, 64)
    assert learnt.to_dict()["month"] == Learnt.fresh().to_dict()["month"]  # nobody is promised a month
    assert told(panel(), learnt=learnt) < told(panel())


def test_months_are_learnt_from_months_that_are_over():
    """As of 20 March at 6:00 nothing made in March is over; what was made in February is, by the month's end."""
    series = panel(days=200, rows=8)
    monthly = replace(PROMISE, window=ComplianceWindow.CALENDAR_MONTH)
    promises = [replace(monthly, service_id=name) for name in series.service_ids]
    origins = [AS_OF - 7 * back * DAY for back in range(1, 9)]
    priors = {origin: learn_prior(series, as_of=origin) for origin in origins}

    learnt = learn(series, promises, priors, as_of=AS_OF, n_draws=200)

    # 27, 20, 13, 6 February; 30 and 23 January.
    assert (learnt.month.levels.origins, learnt.month.levels.outcomes) == (6, 48)
    assert learnt.to_dict()["rolling"] == Learnt.fresh().to_dict()["rolling"]
    assert told(panel(), monthly, learnt) < told(panel(), monthly)


def test_what_came_of_a_month_is_what_its_whole_failed_of_what_it_may():
    """Counted by hand from the hours: half of 28 February 12:00 to 13:00 fails, seen from the day before."""
    series = panel(days=120)
    origin = datetime(2026, 2, 27, 6, tzinfo=UTC)
    hour = int((datetime(2026, 2, 28, 12, tzinfo=UTC) - series.start_at) / HOUR)
    series.good[:, hour] = 500.0
    monthly = replace(PROMISE, target=0.9995, window=ComplianceWindow.CALENDAR_MONTH)
    february = 28 * 24
    share = (500 + 0.1 * (february - 1)) / (february * 1_000 * 0.0005)
    assert share > 1
    promises = [monthly, replace(monthly, target=1 - 0.0005 * share * 1.01)]

    one, other = (learn(series, [promise], {origin: SHIPPED}, as_of=AS_OF) for promise in promises)

    shipped = Learnt.fresh().month.probability.ratio
    assert one.month.probability.ratio > shipped > other.month.probability.ratio


@pytest.mark.parametrize("probability", [0.0, -1.0, 1.01])
def test_a_threshold_that_says_nothing_is_refused(probability: float):
    with pytest.raises(ValueError, match="at risk"):
        RiskThreshold(probability)


def test_only_a_budget_that_is_counted_as_spent_is_certain_to_be():
    days = np.ones(7)
    horizon = Horizon(AS_OF, days, np.zeros(7), np.full(7, 1e5), rolls=True)
    coming = np.full((1_000, 7), 1e4)
    known = Outlook(horizon, 0.9, FailurePaths(coming, coming, 1e4, running=True))
    promise = Promise("a", 0.999, ComplianceWindow.ROLLING_28D)

    nearly, spent = (forecast(one, promise, Learnt.fresh()) for one in (known, replace(known, spent=1.1)))

    assert 0.99 < nearly.probability_budget_exhausted < 1.0
    assert not nearly.is_spent
    assert (spent.probability_budget_exhausted, spent.is_spent) == (1.0, True)
