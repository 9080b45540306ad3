"""Thirteen mistakes that a first design made, each with the figure it would give and the one that is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import betabinom

from sloengine.domain.accuracy.calibrate import as_promised
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.recommendation.availability_calibration import AvailabilityCalibration
from sloengine.domain.recommendation.calibration import SHIPPED_WINDOWS, CalibrationMap
from sloengine.domain.recommendation.latency_calibration import LatencyCalibration
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    TargetLimit,
    TierName,
)
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend import latency_draws, recommend_latency
from sloengine.domain.recommendation.recommend_availability import availability_predictive
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import calibration_in_force
from sloengine.domain.reliability.intervals import jeffreys_predictive_failures
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.rounding import availability_grid
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.common_cause import common_cause
from sloengine.domain.topology.composition import compose
from sloengine.domain.topology.dependency import DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.joint_draws import draw_sources
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.system import Call, pass_probability
from tests.domain.accuracy.test_points import levels
from tests.domain.recommendation.organizations import START, availability_request, latency_history
from tests.domain.recommendation.test_tiers import PANEL, PRIOR, Bound, ratio, recommended, target
from tests.domain.topology.test_composite_bound import bound_of, call, graph_of, panel_of

HOUR = timedelta(hours=1)
TIERS = (TierName.CONSERVATIVE, TierName.BALANCED, TierName.AGGRESSIVE)


def shipped_map() -> CalibrationMap:
    """Of availability, for windows of 28 days."""
    return EngineSettings().calibration_of(ObjectiveKind.AVAILABILITY, history_days=90.0, window_days=28.0)


def test_1_own_failures_are_subtracted_from_sums_and_not_hour_by_hour():
    random = np.random.default_rng(21)
    hours, requests, own, below = 24 * 60, 300, 1e-4, 2e-3
    others = random.binomial(20_000, below, hours).astype(float)
    mine = random.binomial(requests, 1 - (1 - own) * (1 - below), hours).astype(float)
    total = np.array([np.full(hours, n) for n in (float(requests), 19_700.0, 20_000.0)])
    bad = np.array([mine, others * 19_700 / 20_000, others])
    panel = SliPanel(("front", "others", "db"), START, HOUR, total - bad, total)
    graph = graph_of(call("front", "db"), call("others", "db"))

    found = 1 - bound_of(graph, panel, "front").bound.intrinsic_ratio
    hourly = float(np.maximum(0.0, mine / requests - others / 20_000).mean())

    assert hourly > 8 * own  # what the cut at 0 would make of noise
    assert found < 3 * own
    alone = learn_reliability(graph, panel).intrinsic_unavailability("front")
    assert alone is not None
    assert alone < 3 * own  # what impact and what-if start from


def test_2_twenty_independent_calls_fail_twenty_times_as_often_as_one():
    """Of calls that fail their request each for itself, which is what f below 1 says.

    The dependency has one state per request: at f = 1 and weight 20 a request inherits that state as it is, u and
    not 1 - (1 - u)^20. Where failure strikes single calls, a caller without telemetry of its own is told less than
    it will see; with telemetry, what it showed and the failed calls counted on the edge say it.
    """
    assert pass_probability(1e-3, 20.0) == pytest.approx(1 - (1 - 1e-3) ** 20)
    assert pass_probability(1e-3, 20.0) > 19 * pass_probability(1e-3, 0.3)
    assert pass_probability(1.0, 20.0) == 1.0


@pytest.mark.parametrize(("weight", "passes"), [(20.0, 1 - 0.9**20), (1.0, 0.1), (0.3, 0.03)])
def test_2_a_bound_and_impact_count_every_call_of_a_soft_dependency(weight: float, passes: float):
    """Of a caller that nobody watches: what is declared is all there is. Not counted, 20 calls pass 0.1 on."""
    soft = call("root", "db", criticality=DependencyCriticality.SOFT, call_weight=weight)

    found = bound_of(graph_of(soft), panel_of({"db": np.full(240, 10.0)})).bound
    network = failure_network(graph_of(soft))

    assert 1 - found.observed_ratio == pytest.approx(0.01 * passes, rel=0.01)
    assert network.edges.probability == pytest.approx([passes])


def test_3_a_dependency_on_two_paths_counts_once_and_its_reach_lies_between_the_paths_and_their_sum():
    soft = [Call(0, 1, 0.5), Call(0, 2, 0.5), Call(1, 3, 0.5), Call(2, 3, 0.5)]

    hard = compose(0, [0.0, 0.0, 0.0, 0.01], [replace(one, probability=1.0) for one in soft])
    found = compose(0, [0.0, 0.0, 0.0, 0.01], soft)

    assert hard.probability == pytest.approx(0.01)  # 0.0199 along paths
    assert found.reach[3] == pytest.approx(1 - (1 - 0.25) ** 2)
    assert 0.25 < found.reach[3] < 0.5


def test_3_intrinsics_are_composed_inside_and_what_was_seen_only_at_the_rim():
    """Two callers show nothing but failures of what lies below: of one thing now, of another one then."""
    down = np.zeros((2, 240))
    down[0, [10, 61]], down[1, [130]] = 1000.0, 1000.0
    seen = {"a": down.sum(axis=0), "b": down.sum(axis=0), "db": down[0], "queue": down[1]}
    pairs = ("root a", "root b", "a db", "b db", "a queue", "b queue")
    graph = graph_of(*(call(*pair.split()) for pair in pairs))

    whole = 1 - bound_of(graph, panel_of(seen)).bound.observed_ratio
    rim = 1 - bound_of(graph, panel_of(seen), max_depth=1).bound.observed_ratio

    assert whole == pytest.approx(3 / 240, rel=0.01)  # 9 / 240 were what a and b showed added to what is below
    # Cut above what they share, both are rim: they fail in the same hours, which adds up to no more than once.
    assert rim == pytest.approx(3 / 240, rel=0.01)


def test_3_the_rim_has_what_was_seen_of_it_where_no_direct_call_tells_as_much():
    """What the root calls is not watched, so nothing but the rim says how often what lies below fails."""
    down = np.zeros((2, 240))
    down[0, [10, 61]], down[1, [130]] = 1000.0, 1000.0
    seen = {"a": down.sum(axis=0), "db": down[0], "queue": down[1]}
    graph = graph_of(*(call(*pair.split()) for pair in ("root mid", "mid a", "a db", "a queue")))

    whole, rim = (1 - bound_of(graph, panel_of(seen), max_depth=depth).bound.observed_ratio for depth in (3, 2))

    assert whole == pytest.approx(3 / 240, rel=0.01)
    assert rim == pytest.approx(3 / 240, rel=0.01)


def test_4_replicas_are_multiplied_within_the_hour_and_not_within_the_day():
    graph = graph_of(call("root", "r1", redundancy_group="r"), call("root", "r2", redundancy_group="r"))
    down = np.zeros(240)
    down[[10, 61, 132, 203]] = 1000.0

    found = 1 - bound_of(graph, panel_of({"r1": down, "r2": down.copy()})).bound.observed_ratio
    daily = float(((down.reshape(10, 24).sum(axis=1) / 24_000) ** 2).mean())

    assert found == pytest.approx(4 / 240, rel=1e-3)
    assert daily < found / 20


def test_5_the_common_cause_comes_from_joint_data_and_is_a_tenth_only_without_any():
    own, joint = [4e-3, 4e-3], 2.8e-3

    measured, share = common_cause(own, joint)
    assumed, default = common_cause(own, None)

    assert share == pytest.approx(0.7, abs=0.01)
    assert default == 0.1
    assert measured + (own[0] - measured) ** 2 == pytest.approx(joint, rel=0.01)
    assert assumed + (own[0] - assumed) ** 2 < joint / 5  # what a tenth would promise


def test_6_a_cap_by_what_dependencies_promise_has_its_p_met_worked_out_anew():
    capped = recommended(bound=Bound(promised=0.98))

    conservative = target(capped, TierName.CONSERVATIVE)
    assert conservative.limited_by[0].limit is TargetLimit.DEPENDENCY_PROMISE
    assert conservative.probability_met > 0.985
    assert target(capped, TierName.BALANCED).limited_by[0].limit is not TargetLimit.DEPENDENCY_PROMISE


@pytest.mark.parametrize("bound", [Bound(promised=0.98), Bound(draws=0.01), Bound(draws=0.004, promised=0.99)])
def test_6_p_met_of_a_capped_target_is_the_share_of_windows_that_meet_it(bound: Bound):
    """Counted window by window on what the service itself lets expect, with the map of these settings."""
    request = availability_request(PANEL, bound=bound)
    predictive = availability_predictive(request, PRIOR, EngineSettings())
    assert predictive is not None
    plain = EngineSettings(availability_calibration=AvailabilityCalibration())

    for settings in (plain, EngineSettings()):
        result = recommended(bound=bound, settings=settings)
        for name in TIERS:
            published = target(result, name)
            budget = 1 - (published.availability_ratio or 0.0)
            met = sum(float(window) <= budget + 1e-12 for window in predictive.unavailability)
            in_force = calibration_in_force(predictive, settings)
            share = in_force.probability_of(met / len(predictive.unavailability))
            assert published.probability_met == pytest.approx(min(0.995, share), abs=1e-12)
            assert published.probability_met > settings.nominal_probability[name]  # capped: met more often


def test_6_a_soft_dependency_that_promises_little_does_not_drag_the_promise_down():
    seen = panel_of({name: np.where(np.arange(240) % 20 == 7, 1.0, 0.0) for name in ("root", "a", "b")})
    promises = {"a": 0.999, "b": 0.5}

    soft = bound_of(
        graph_of(call("root", "a"), call("root", "b", criticality=DependencyCriticality.SOFT, call_weight=0.1)),
        seen,
        promises=promises,
    )
    hard = bound_of(graph_of(call("root", "a"), call("root", "b")), seen, promises=promises)

    assert soft.promised_ratio == pytest.approx(0.999 * (1 - 0.1 * 0.1 * 0.5), abs=2e-4)
    assert hard.promised_ratio == pytest.approx(0.999 * 0.5, abs=1e-3)


def test_7_tiers_are_capped_by_the_same_quantile_of_the_composite_and_not_by_one_point():
    capped = recommended(bound=Bound(draws=0.05))  # between 2.5 and 7.5 %, evenly

    for name, level in zip(TIERS, (0.98, 0.92, 0.80), strict=True):
        at = 1 - 0.05 * (0.5 + shipped_map().level_for(level))
        published = ratio(capped, name)
        tighter = [figure for figure in availability_grid() if figure > published]
        assert published <= at + 5e-4  # not the middle, nor another tier's level
        assert min(tighter) > at - 5e-4  # nor the worst draw: the next figure would be above the cap


def test_7_a_caller_with_a_clean_record_is_not_punished_for_what_is_declared():
    """Its own record already holds what it inherited: failures below that never reached it cost it nothing."""
    clean, below = (np.where(np.arange(240) % 20 == hour, size, 0.0) for hour, size in ((5, 0.1), (7, 200.0)))
    graph = graph_of(call("root", "db", criticality=DependencyCriticality.HARD))

    punished = 1 - float(below.sum() / 240_000)
    found = bound_of(graph, panel_of({"root": clean, "db": below})).bound

    assert punished == pytest.approx(0.99)
    assert found.observed_ratio > 0.9999


def test_8_what_is_printed_is_p_met_of_the_rounded_target():
    """Counted anew, beside that of the target before it was rounded, which is another figure."""
    settings = EngineSettings()
    result = recommended(settings=settings)
    predictive = availability_predictive(availability_request(PANEL), PRIOR, settings)
    assert predictive is not None
    draws, in_force = predictive.unavailability, calibration_in_force(predictive, settings)

    moved = []
    for name in TIERS:
        published, nominal = target(result, name), settings.nominal_probability[name]
        assert published.availability_ratio in availability_grid()
        budget = 1 - (published.availability_ratio or 0.0)
        met = in_force.probability_of(float((draws <= budget + 1e-12).mean()))
        unrounded = np.quantile(draws, in_force.level_for(nominal), method="higher")
        before = in_force.probability_of(float((draws <= unrounded).mean()))
        assert published.probability_met == pytest.approx(min(0.995, met), abs=1e-12)
        assert published.probability_met >= nominal
        moved.append(met - before)
    assert max(moved) > 0.005


@pytest.mark.parametrize(("level", "promise"), [(0.99, 0.9983), (0.95, 0.9993), (0.80, 0.9997)])
def test_9_no_failure_in_three_thousand_is_judged_by_the_next_three_thousand(level: float, promise: float):
    failures = jeffreys_predictive_failures(0, 3_000, 3_000, level)

    assert 1 - failures / 3_000 == pytest.approx(promise, abs=6e-5)
    # The rule of three bounds the past: in the next window it holds more often than its 95 %.
    assert betabinom.cdf(3, 3_000, 0.5, 3_000.5) == pytest.approx(0.978, abs=0.002)


@pytest.mark.parametrize("daily", [33.0, 107.0, 1_000.0])
def test_9_a_service_that_has_not_failed_is_promised_no_more_than_its_requests_carry(daily: float):
    """The engine's own predictive beside the beta-binomial law of the same counts, with nobody to learn from."""
    days, window = 30, round(28 * daily)
    total = np.full((1, days), daily)
    panel = SliPanel(("service-0",), START, timedelta(days=1), total.copy(), total)
    prior = learn_prior(panel, as_of=panel.ends_at)

    predictive = availability_predictive(availability_request(panel), prior, EngineSettings())

    assert predictive is not None
    for name in TIERS:
        level = EngineSettings().nominal_probability[name]
        failures = np.quantile(predictive.unavailability, level, method="higher") * window
        assert failures >= jeffreys_predictive_failures(0, daily * days, window, level) - 1e-9


def test_10_ninety_days_carry_three_windows_and_not_sixty_three():
    result = recommended()

    for name in TIERS:
        assert target(result, name).data_only_probability == pytest.approx(3 / 4)
        assert target(result, name).backtest.windows == 3  # type: ignore[union-attr]


def test_11_a_window_is_judged_by_the_map_of_windows_finished_before_it_was_promised():
    honest = levels(np.random.default_rng(22).random(480))
    changed = [
        replace(one, low=0.999, high=0.999) if one.as_of >= START + timedelta(days=168) else one for one in honest
    ]
    shipped, kind = EngineSettings(), ObjectiveKind.AVAILABILITY

    before, after = (as_promised(known, shipped, kind) for known in (honest, changed))

    early = [position for position, one in enumerate(honest) if one.as_of < START + timedelta(days=168)]
    assert [before[i] for i in early] == [after[i] for i in early]
    in_force = shipped_map()
    assert before[0].low == pytest.approx(in_force.probability_of(honest[0].low))  # nothing had finished yet
    assert SHIPPED_WINDOWS / (SHIPPED_WINDOWS + 100.0) == 0.5


def test_12_the_margin_on_latency_is_in_the_draws_once_and_p_met_is_that_of_the_bound():
    history = latency_history(slow_days=(10, 40))
    as_of = START + timedelta(days=90)
    request = LatencyRequest("service-0", ComplianceWindow.ROLLING_28D, as_of, history, as_of)
    bare = EngineSettings(latency_margin_ratio=0.0, latency_calibration=LatencyCalibration())
    usual = EngineSettings(latency_calibration=LatencyCalibration())

    without = latency_draws(request, LatencyPrior.shipped(), bare)
    with_margin = latency_draws(request, LatencyPrior.shipped(), usual)
    answer = recommend_latency(request, LatencyPrior.shipped(), usual)

    assert without is not None
    assert with_margin is not None
    assert isinstance(answer, Recommendation)
    draws = with_margin[ObjectiveKind.LATENCY_P95]
    assert draws == pytest.approx(without[ObjectiveKind.LATENCY_P95] * 1.05)
    for name in TIERS:
        published = next(one for one in answer.tier(name).targets if one.kind is ObjectiveKind.LATENCY_P95)
        assert published.threshold_ms is not None
        met = float((draws <= published.threshold_ms * (1 + 1e-9)).mean())
        assert published.probability_met == pytest.approx(min(0.995, met))


def test_13_what_was_seen_of_a_provider_comes_before_its_published_figure():
    provider = Service("mail", published_availability_ratio=0.9999, external=True)
    graph = graph_of(call("root", "mail"), extra=(provider,))
    assert isinstance(graph, DependencyGraph)

    seen = bound_of(graph, panel_of({"mail": np.full(240, 5.0)})).bound
    unseen = bound_of(graph, panel_of({"root": np.full(240, 0.0)})).bound

    assert 1 - seen.observed_ratio == pytest.approx(0.005, rel=0.02)
    assert 1 - unseen.observed_ratio == pytest.approx(1.1e-4, rel=0.02)  # raised by a tenth
    assert any("published" in note for note in unseen.assumptions)


def test_13_a_published_figure_is_known_within_a_factor_of_e_and_what_was_seen_far_better():
    provider = Service("mail", published_availability_ratio=0.9999, external=True)
    graph = graph_of(call("root", "mail"), extra=(provider,))
    unseen = bound_of(graph, panel_of({"root": np.full(240, 0.0)})).inherited
    root = np.full(4_000, 1e-9)

    sources = draw_sources(unseen, 4_000, np.random.default_rng(3), {"root": root})

    assert sources is not None
    (published,) = sources.values
    assert isinstance(published, np.ndarray)
    assert np.log(published).std() == pytest.approx(1.0, abs=0.05)  # 0 were the figure a forecast
    assert published.mean() == pytest.approx(1.1e-4, rel=0.1)
    # Seen: its own draws take the place of the figure, whatever was published.
    seen = bound_of(graph, panel_of({"mail": np.full(240, 5.0)})).inherited
    drawn = np.random.default_rng(4).gamma(400.0, 5e-3 / 400.0, 4_000)
    again = draw_sources(seen, 4_000, np.random.default_rng(3), {"mail": drawn})
    assert again is not None
    assert np.mean(again.values[0]) == pytest.approx(drawn.mean(), rel=0.01)
    assert np.std(again.values[0]) == pytest.approx(drawn.std(), rel=0.05)
