"""Mistakes 8 to 13 of the first design again: what a test of the first figure alone would let pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import betabinom

from sloengine.domain.accuracy.calibrate import independent_windows, own_map
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.recommendation.base_spread import WeeklySpread
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.recommend import latency_case, latency_draws, recommend_latency
from sloengine.domain.recommendation.recommend_availability import availability_predictive
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import calibration_in_force
from sloengine.domain.recommendation.window_draws import base_failures, with_sampling_noise
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.intervals import jeffreys_predictive_failures
from sloengine.domain.reliability.rounding import availability_grid
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.service import Service
from tests.domain.accuracy.test_points import levels
from tests.domain.recommendation.organizations import DAY, START, availability_request, latency_history
from tests.domain.recommendation.test_tiers import PANEL, PRIOR, ratio, recommended
from tests.domain.topology.test_composite_bound import bound_of, call, graph_of, panel_of

TIERS = (TierName.CONSERVATIVE, TierName.BALANCED, TierName.AGGRESSIVE)


def window_failures(
    bad: float, valid: float, window: int, *, dispersion: float = 1.0, n: int = 20_000
) -> np.ndarray:
    """Failures outside incidents in each drawn window, with Jeffreys' prior in the place of peers'."""
    shipped = ServicePrior.of(OrganizationPrior.shipped(), "anyone")
    jeffreys = replace(shipped, base_shape=0.5, base_rate=1e-9, spread=WeeklySpread(dispersion - 1.0))
    numbers = WindowNumbers.of(np.random.default_rng(9), n)
    numbers.regime[:] = False  # a coming shift is another matter
    known = BaseKnowledge(bad=bad, valid=valid, days=90.0, dispersion=dispersion, weeks=12.0)
    base = base_failures(known, jeffreys, numbers, float(window))
    return np.asarray(np.round(with_sampling_noise(base, numbers, float(window)) * window))


@pytest.mark.parametrize("kind", [ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99])
def test_8_p_met_of_a_latency_target_is_that_of_its_bucket_bound_by_the_map_in_force(kind: ObjectiveKind):
    """Predictive, calibrate, round, then P(met) of the result: counted anew with the shipped map.

    The level asked for is not the level of the model, the threshold is the first bound beyond what would hold, and
    what is printed is neither the tier's nominal probability nor P(met) of the unrounded percentile.
    """
    as_of, settings = START + 90 * DAY, EngineSettings()
    bounds = np.append(np.geomspace(0.02, 3.0, 40), np.inf)  # an eighth apart: another level is another bound
    history = latency_history(slow_days=(10, 40), bounds=bounds)
    request = LatencyRequest("service-0", ComplianceWindow.ROLLING_28D, as_of, history, as_of)
    found = latency_draws(request, LatencyPrior.shipped(), settings)
    case = latency_case(request, LatencyPrior.shipped(), settings)
    answer = recommend_latency(request, LatencyPrior.shipped(), settings)
    assert found is not None
    assert case is not None
    assert isinstance(answer, Recommendation)
    spells = case.predictive.facts.rate_per_day  # nobody's spells are known to be longer than usual
    in_force = settings.calibration_of(kind, history_days=90.0, window_days=28.0, spells_per_day=spells)

    moved, asked_elsewhere = [], []
    for name in TIERS:
        nominal = settings.nominal_probability[name]
        [published] = [one for one in answer.tier(name).targets if one.kind is kind]
        assert published.threshold_ms is not None
        unrounded = float(np.quantile(found[kind], in_force.level_for(nominal), method="higher"))
        beyond = [bound * 1000.0 for bound in bounds if bound * 1000.0 >= unrounded * (1 - 1e-9)]
        met, before = (
            in_force.probability_of(float((found[kind] <= at * (1 + 1e-9)).mean()))
            for at in (published.threshold_ms, unrounded)
        )

        assert published.threshold_ms == pytest.approx(beyond[0])
        assert published.probability_met == pytest.approx(min(0.995, met))
        assert published.probability_met >= nominal
        moved.append(published.probability_met - before)
        uncalibrated = float(np.quantile(found[kind], nominal, method="higher"))
        asked_elsewhere.append(uncalibrated > published.threshold_ms)
    assert max(moved) > 0.005
    assert any(asked_elsewhere)  # what would hold at the level itself is another bound


def test_8_an_availability_target_is_asked_for_at_the_level_that_the_map_in_force_has_for_its_tier():
    """The shipped map of four weeks changes nothing, so that only a map that was taught can tell."""
    taught = own_map(levels(np.random.default_rng(8).random(2_400) ** 0.6), ObjectiveKind.AVAILABILITY)
    assert taught is not None
    settings = EngineSettings().with_own_maps({ObjectiveKind.AVAILABILITY: taught})

    result = recommended(settings=settings)

    predictive = availability_predictive(availability_request(PANEL), PRIOR, settings)
    assert predictive is not None
    in_force, draws = calibration_in_force(predictive, settings), predictive.unavailability
    asked_elsewhere = []
    for name in TIERS:
        nominal = settings.nominal_probability[name]
        assert in_force.level_for(nominal) > nominal + 0.003  # these windows held less often than was said
        published, plain = (
            max(
                f
                for f in availability_grid()
                if f <= 1 - float(np.quantile(draws, level, method="higher")) + 1e-12
            )
            for level in (in_force.level_for(nominal), nominal)
        )
        assert ratio(result, name) == published
        asked_elsewhere.append(plain > published)
    assert any(asked_elsewhere)


@pytest.mark.parametrize(("level", "failures"), [(0.99, 5), (0.95, 2), (0.80, 1)])
def test_9_no_failure_in_three_thousand_promises_the_published_figures_and_nothing_else(
    level: float, failures: int
):
    """The rule of three bounds the past rate; the next window is the beta-binomial's: 99.83, 99.93, 99.97 %.

    Both sides: one failure fewer would hold less often than it says, and nothing is given away beyond what the law
    holds with. A target of 1 - 3/n, 99.90 %, holds with 0.978.
    """
    drawn = window_failures(0, 3_000, 3_000)
    law = betabinom(3_000, 0.5, 3_000.5)

    assert 1 - failures / 3_000 == pytest.approx({5: 0.9983, 2: 0.9993, 1: 0.9997}[failures], abs=5e-5)
    for at in (failures - 1, failures):
        assert np.mean(drawn <= at) == pytest.approx(law.cdf(at), abs=0.004)
    assert abs(float(np.quantile(drawn, level)) - float(law.ppf(level))) <= 1  # .95 lies at an edge of the law
    assert np.mean(drawn <= 3) == pytest.approx(0.978, abs=0.002)


@pytest.mark.parametrize(
    ("bad", "valid", "window"), [(3, 3_000, 3_000), (1, 30_000, 10_000), (20, 30_000, 30_000), (0, 900, 30_000)]
)
def test_9_failures_outside_incidents_follow_the_beta_binomial_law_at_every_level(
    bad: int, valid: int, window: int
):
    """Neither too careful nor too lax, for clean and unclean records and for windows longer than the past."""
    drawn = window_failures(bad, valid, window)

    for level in (0.5, 0.8, 0.92, 0.98, 0.99):
        at = int(jeffreys_predictive_failures(bad, valid, window, level))
        assert np.mean(drawn <= at) == pytest.approx(
            betabinom.cdf(at, window, bad + 0.5, valid - bad + 0.5), abs=0.008
        )


@pytest.mark.parametrize(("bad", "valid"), [(20, 30_000), (60, 30_000), (20, 10_000), (40, 30_000)])
@pytest.mark.parametrize("size", [2, 5])
def test_9_requests_that_fail_together_are_that_much_less_evidence(bad: int, valid: int, size: int):
    """n divided by the design effect, past and to come: where failures come ``size`` at a time, bursts are drawn.

    The law of the bursts to come is the beta-binomial's of the bursts that were. What divides only the past is too
    narrow, and what divides nothing is more so.
    """
    drawn = window_failures(bad, valid, 30_000, dispersion=size)
    bursts = betabinom(30_000 // size, bad / size + 0.5, (valid - bad) / size + 0.5)

    for level in (0.92, 0.98):
        truth = size * float(bursts.ppf(level))
        assert float(np.quantile(drawn, level)) == pytest.approx(truth, rel=0.11)
    past_only = jeffreys_predictive_failures(bad, valid, 30_000, 0.98, design_effect=size)
    alone = jeffreys_predictive_failures(bad, valid, 30_000, 0.98)
    assert float(np.quantile(drawn, 0.98)) > 1.03 * past_only > 1.06 * alone


def test_10_ninety_days_of_latency_carry_three_windows_and_not_sixty_three():
    """n in n/(n+1) counts windows that do not overlap, for a percentile as for a ratio."""
    as_of = START + 90 * DAY
    request = LatencyRequest(
        "service-0", ComplianceWindow.ROLLING_28D, as_of, latency_history(slow_days=(10, 40)), as_of
    )

    answer = recommend_latency(request, LatencyPrior.shipped(), EngineSettings())

    assert isinstance(answer, Recommendation)
    for name in TIERS:
        for published in answer.tier(name).targets:
            assert published.data_only_probability == pytest.approx(3 / 4)
            assert published.backtest is not None
            assert published.backtest.windows == 3
            assert len(published.backtest.series) == 63


def test_10_looking_at_the_same_windows_every_week_makes_no_more_of_them():
    """n counts windows that do not overlap for the own map, too: its weight is n/(n+100), else fiction."""
    values = np.random.default_rng(10).random((13, 30))
    month, week = timedelta(days=28), timedelta(days=7)
    monthly = [
        Level(f"s{service}", ObjectiveKind.AVAILABILITY, at, at + month, value, value, 90.0)
        for position, row in enumerate(values.tolist())
        for at in (START + month * position,)
        for service, value in enumerate(row)
    ]
    weekly = [
        replace(one, as_of=one.as_of + week * more, ends_at=one.ends_at + week * more)
        for one in monthly
        for more in range(4)
    ]

    few, many = independent_windows(monthly), independent_windows(weekly)

    assert len(weekly) == 4 * len(monthly)
    assert 30 < few < len(monthly)
    assert 0.4 * few < many < 1.3 * few
    own = own_map(weekly, ObjectiveKind.AVAILABILITY)
    assert own is not None
    assert CalibrationMap().with_own(own).own_weight == pytest.approx(many / (many + 100.0))


def test_13_a_published_figure_promises_a_tenth_less_than_it_says_and_an_slo_agreed_with_comes_first():
    """Refund thresholds are no forecasts: what they allow is raised by a tenth in the worst case, too."""
    provider = Service("mail", published_availability_ratio=0.9999, external=True)
    graph, panel = graph_of(call("root", "mail"), extra=(provider,)), panel_of({"root": np.zeros(240)})

    stated = bound_of(graph, panel, promises={}).promised_ratio
    agreed = bound_of(graph, panel, promises={"mail": 0.999}).promised_ratio

    assert stated is not None
    assert 1 - stated == pytest.approx(1.1e-4, rel=1e-3)  # 1.0e-4 as it is published
    assert agreed is not None
    assert 1 - agreed == pytest.approx(1e-3, rel=1e-3)
