from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.recommendation.availability_calibration import AvailabilityCalibration
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import (
    BoundContribution,
    CompositeBound,
    Recommendation,
    RecommendationUnavailable,
    TargetLimit,
    Tier,
    TierName,
    TierTarget,
    UnavailableReason,
)
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend import availability_probability, recommend_availability
from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import order_is_right, probability_met
from sloengine.domain.reliability.rounding import availability_grid
from tests.domain.recommendation.organizations import DAY, availability_request, organization, with_row

PANEL = organization(services=20)
PRIOR = learn_prior(PANEL, as_of=PANEL.ends_at)
SETTINGS = EngineSettings()


class Bound:
    """A bound with the numbers a test wants."""

    def __init__(self, draws: float | None = None, promised: float | None = None) -> None:
        self._draws = draws
        self.promised_ratio = promised
        self.bound = CompositeBound(
            observed_ratio=1 - (draws or 0.0),
            independent_ratio=1 - (draws or 0.0),
            intrinsic_ratio=0.9999,
            promised_ratio=promised,
            contributions=(BoundContribution("database", 0.8, 30.0), BoundContribution("cache", 0.2, 7.0)),
        )

    def joint_draws(self, n: int, rng: np.random.Generator) -> np.ndarray | None:
        return None if self._draws is None else self._draws * (0.5 + rng.random(n))


def recommended(**changes: object) -> Recommendation:
    panel = changes.pop("panel", PANEL)
    settings_ = changes.pop("settings", SETTINGS)
    result = recommend_availability(availability_request(panel, **changes), PRIOR, settings_)  # type: ignore[arg-type]
    assert isinstance(result, Recommendation)
    return result


def target(result: Recommendation, name: TierName) -> TierTarget:
    return result.tier(name).targets[0]


def ratio(result: Recommendation, name: TierName) -> float:
    value = target(result, name).availability_ratio
    assert value is not None
    return value


@settings(max_examples=30, deadline=None)
@given(
    incidents=st.lists(st.tuples(st.integers(0, 89), st.floats(1e-4, 0.9)), max_size=12),
    traffic=st.floats(200, 1e7),
    days=st.integers(1, 90),
)
def test_tiers_are_ordered_printed_figures_and_say_what_they_hold(
    incidents: list[tuple[int, float]], traffic: float, days: int
) -> None:
    valid = np.full(90, np.nan)
    valid[90 - days :] = traffic
    bad = np.zeros(90)
    for day, share in incidents:
        bad[day] = share * traffic
    panel = with_row(PANEL, "me", bad, valid)

    result = recommended(panel=panel, service_id="me")

    assert order_is_right(result.tiers)
    for tier in result.tiers:
        assert bool(tier.targets) != bool(tier.missing_reason)
        for published in tier.targets:
            value = published.availability_ratio
            assert value in availability_grid()
            assert published.interval.low <= value <= published.interval.high <= 1
            assert tier.nominal_probability - 0.001 <= published.probability_met <= SETTINGS.highest_level
            assert published.error_budget is not None
            # Never tighter than what a single failure leaves testable.
            assert (1 - value) * traffic * 28 >= SETTINGS.testable_failures - 1e-6


def test_p_met_falls_as_the_target_rises() -> None:
    request = availability_request(PANEL)

    probabilities = [availability_probability(request, PRIOR, SETTINGS, r) for r in availability_grid()]

    assert all(a >= b for a, b in itertools.pairwise(probabilities))  # type: ignore[operator]
    assert max(probabilities) <= SETTINGS.highest_level  # type: ignore[type-var]
    assert probabilities[-1] < 0.05  # type: ignore[operator]


def test_p_met_is_that_of_the_published_figure() -> None:
    result = recommended()

    for tier in result.tiers:
        published = tier.targets[0]
        assert published.availability_ratio is not None
        again = availability_probability(
            availability_request(PANEL), PRIOR, SETTINGS, published.availability_ratio
        )
        assert again == published.probability_met


def test_never_more_certain_than_can_be_checked() -> None:
    draws = np.zeros(1_000)

    assert probability_met(draws, 0.5, CalibrationMap(), 0.995) == 0.995


def test_a_calibration_map_moves_the_level_and_the_shown_probability() -> None:
    timid = CalibrationMap((0.80, 0.93, 0.985), (0.85, 0.95, 0.99), "targets held more often than the model said")
    bold = CalibrationMap((0.85, 0.95, 0.99), (0.80, 0.92, 0.98), "targets held less often than the model said")

    plain, tighter, looser = (
        recommended(settings=EngineSettings(availability_calibration=AvailabilityCalibration.always(chosen)))
        for chosen in (CalibrationMap(), timid, bold)
    )

    for name in TierName:
        assert ratio(looser, name) <= ratio(plain, name) <= ratio(tighter, name)
        for result in (plain, tighter, looser):
            assert target(result, name).probability_met >= SETTINGS.nominal_probability[name] - 0.001
    assert ratio(looser, TierName.BALANCED) < ratio(tighter, TierName.BALANCED)


def test_a_level_beyond_reach_leaves_the_tier_out() -> None:
    hopeless = CalibrationMap((0.80, 0.95, 0.998), (0.70, 0.92, 0.96), "a model that promises far too much")

    always = AvailabilityCalibration.always(hopeless)
    result = recommended(settings=EngineSettings(availability_calibration=always))

    assert result.tier(TierName.CONSERVATIVE).targets == ()
    assert "no Conservative target" in (result.tier(TierName.CONSERVATIVE).missing_reason or "")
    assert result.tier(TierName.BALANCED).targets


def test_no_tier_is_above_the_same_quantile_of_the_composite() -> None:
    free, capped = recommended(), recommended(bound=Bound(draws=0.01))

    for name, quantile in ((TierName.CONSERVATIVE, 1.48), (TierName.BALANCED, 1.42), (TierName.AGGRESSIVE, 1.3)):
        assert ratio(capped, name) < ratio(free, name)
        assert ratio(capped, name) <= 1 - 0.01 * quantile + 2e-4
        limit = target(capped, name).limited_by[0]
        assert (limit.limit, limit.service_id) == (TargetLimit.DEPENDENCY_OBSERVED, "database")
        assert target(capped, name).probability_met > target(free, name).probability_met


def test_a_composite_that_is_better_than_the_record_caps_nothing() -> None:
    free, capped = recommended(), recommended(bound=Bound(draws=1e-9))

    assert [ratio(free, name) for name in TierName] == [ratio(capped, name) for name in TierName]


def test_the_promise_of_dependencies_caps_the_conservative_tier_alone() -> None:
    free, capped = recommended(), recommended(bound=Bound(promised=0.98))

    assert ratio(capped, TierName.CONSERVATIVE) == 0.98
    assert target(capped, TierName.CONSERVATIVE).limited_by[0].limit is TargetLimit.DEPENDENCY_PROMISE
    # Recomputed, not assumed: at so loose a target it is met nearly always.
    assert target(capped, TierName.CONSERVATIVE).probability_met > 0.985
    assert ratio(capped, TierName.BALANCED) == ratio(free, TierName.BALANCED)


def test_little_traffic_gets_a_looser_target_that_can_be_tested() -> None:
    panel = with_row(PANEL, "quiet", np.zeros(90), np.full(90, 30.0))

    result = recommended(panel=panel, service_id="quiet")

    published = target(result, TierName.AGGRESSIVE)
    assert published.availability_ratio == 0.994  # five failures in 840 requests are 0.6 %
    assert published.limited_by[0].limit is TargetLimit.LOW_TRAFFIC
    assert published.error_budget is not None
    assert published.error_budget.requests == pytest.approx(5.04)


def test_next_to_no_traffic_cannot_be_tested_at_all() -> None:
    panel = with_row(PANEL, "silent", np.zeros(90), np.full(90, 1.0))

    result = recommend_availability(availability_request(panel, "silent"), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.NOT_TESTABLE


def test_a_service_that_mostly_fails_gets_no_absurd_target() -> None:
    panel = with_row(PANEL, "broken", np.full(90, 6e4), np.full(90, 1e5))

    result = recommended(panel=panel, service_id="broken")

    assert all(not tier.targets for tier in result.tiers)
    assert all("below 90 %" in (tier.missing_reason or "") for tier in result.tiers)
    assert "No target can be recommended" in result.summary


@pytest.mark.parametrize("nonsense", [{TierName.CONSERVATIVE: 0.5}, {TierName.AGGRESSIVE: 1.0}])
def test_nominal_probabilities_must_make_sense(nonsense: dict[TierName, float]) -> None:
    with pytest.raises(ValueError, match="nominal_probability"):
        EngineSettings(nominal_probability=dict(SETTINGS.nominal_probability) | nonsense)


def test_knots_that_cannot_be_inverted_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        CalibrationMap((0.5, 0.5), (0.4, 0.6))


def test_the_replay_counts_disjoint_windows_and_the_worst() -> None:
    bad, valid = np.zeros(90), np.full(90, 1e5)
    bad[70] = 9e4  # in the newest of the three windows
    result = recommended(panel=with_row(PANEL, "me", bad, valid), service_id="me")

    for tier in result.tiers:
        replayed = tier.targets[0].backtest
        assert isinstance(replayed, Backtest)
        worst_ratio = 1 - 9e4 / 28e5
        met = worst_ratio >= tier.targets[0].availability_ratio  # type: ignore[operator]
        assert (replayed.windows, replayed.met) == (3, 3 if met else 2)
        assert replayed.worst is not None
        assert replayed.worst.availability_ratio == pytest.approx(worst_ratio)
        assert len(replayed.series) == 63
        assert replayed.series[1].from_at - replayed.series[0].from_at == timedelta(days=1)
        assert tier.targets[0].data_only_probability == 0.75


def test_less_history_than_a_window_replays_nothing_and_carries_nothing_alone() -> None:
    cut = PANEL.between(PANEL.ends_at - 27 * DAY, PANEL.ends_at)

    published = target(recommended(panel=cut), TierName.BALANCED)

    assert published.backtest == Backtest(0, 0, None, ())
    assert published.data_only_probability == 0.0


def test_tiers_without_targets_are_in_order() -> None:
    assert order_is_right([Tier(TierName.CONSERVATIVE, 0.98, (), "none")])


def recorded(result: Recommendation, ratios: dict[TierName, float]) -> Recommendation:
    """The recommendation as if these targets had been in it."""
    return replace(
        result,
        tiers=tuple(
            replace(tier, targets=(replace(tier.targets[0], availability_ratio=ratios[tier.name]),))
            if tier.name in ratios
            else tier
            for tier in result.tiers
        ),
    )


def test_a_target_on_record_goes_when_a_dependency_promises_less() -> None:
    before = recommended(bound=Bound(promised=0.9999))

    after = recommended(bound=Bound(promised=0.98), previous=before)

    was = ratio(before, TierName.CONSERVATIVE)
    assert was > 0.98
    assert ratio(after, TierName.CONSERVATIVE) == 0.98
    assert target(after, TierName.CONSERVATIVE).limited_by[0].limit is TargetLimit.DEPENDENCY_PROMISE
    assert f"Conservative of {100 * was:.9g} % could not stay: with its dependencies" in after.summary
    assert ratio(after, TierName.BALANCED) == ratio(before, TierName.BALANCED)


def test_targets_on_record_go_when_the_composite_gets_worse() -> None:
    before = recommended(bound=Bound(draws=1e-9))

    after = recommended(bound=Bound(draws=0.01), previous=before)

    assert ratios_of(after) == ratios_of(recommended(bound=Bound(draws=0.01)))
    for name in TierName:
        assert ratio(after, name) < ratio(before, name)
        assert target(after, name).limited_by[0].limit is TargetLimit.DEPENDENCY_OBSERVED
        assert f"{name.value.capitalize()} of " in after.summary


def ratios_of(result: Recommendation) -> list[float]:
    return [ratio(result, name) for name in TierName]


def test_a_target_on_record_goes_when_traffic_no_longer_tests_it() -> None:
    panel = with_row(PANEL, "quiet", np.zeros(90), np.full(90, 30.0))
    request = availability_request(panel, service_id="quiet")
    fresh = recommended(panel=panel, service_id="quiet")
    untested = [r for r in availability_grid(0.99) if (1 - r) * 30 * 28 < SETTINGS.testable_failures - 1e-6]
    met = {r: availability_probability(request, PRIOR, SETTINGS, r) or 0.0 for r in untested}
    in_the_band = next(r for r in untested if 0.93 <= met[r] < SETTINGS.highest_level)
    named = {TierName.CONSERVATIVE: in_the_band}

    after = recommended(panel=panel, service_id="quiet", previous=recorded(fresh, named))

    assert ratios_of(after) == ratios_of(fresh)
    assert "could not stay: with about 840 requests" in after.summary


@settings(max_examples=40, deadline=None)
@given(
    on_record=st.tuples(*[st.sampled_from(availability_grid(0.95))] * 3),
    draws=st.floats(1e-6, 0.02),
    promised=st.floats(0.95, 0.99999),
    traffic=st.floats(300, 1e6),
)
def test_whatever_is_on_record_no_target_is_above_todays_caps(
    on_record: tuple[float, float, float], draws: float, promised: float, traffic: float
) -> None:
    panel = with_row(PANEL, "me", np.zeros(90), np.full(90, traffic))
    bound = Bound(draws=draws, promised=promised)
    first = recommended(panel=panel, service_id="me", bound=bound)

    after = recommended(
        panel=panel,
        service_id="me",
        bound=bound,
        previous=recorded(first, dict(zip(TierName, sorted(on_record), strict=True))),
    )

    assert order_is_right(after.tiers)
    for name in TierName:
        published = ratio(after, name)
        assert published <= 1 - draws * (0.5 + SETTINGS.nominal_probability[name]) * 0.98
        assert (1 - published) * traffic * 28 >= SETTINGS.testable_failures - 1e-6
    assert ratio(after, TierName.CONSERVATIVE) <= promised + 1e-12


def test_a_conservative_target_on_record_becomes_tighter_again_when_it_is_met_nearly_always() -> None:
    fresh = recommended()
    loose = recorded(fresh, {TierName.CONSERVATIVE: 0.97})

    after = recommended(previous=loose)

    request = availability_request(PANEL)
    assert availability_probability(request, PRIOR, SETTINGS, 0.97) == SETTINGS.highest_level
    assert ratio(after, TierName.CONSERVATIVE) == ratio(fresh, TierName.CONSERVATIVE) > 0.97


def test_a_target_that_stays_is_limited_by_what_is_on_record_and_not_by_rounding() -> None:
    fresh = recommended()
    wanted = ratio(fresh, TierName.CONSERVATIVE)
    kept = max(r for r in availability_grid(0.9) if r < wanted)

    after = recommended(previous=recorded(fresh, {TierName.CONSERVATIVE: kept}))

    assert ratio(after, TierName.CONSERVATIVE) == kept
    limits = target(after, TierName.CONSERVATIVE).limited_by
    assert limits[0].limit is TargetLimit.ON_RECORD
    assert f"today's data give {100 * wanted:.9g} %" in limits[0].message
    assert TargetLimit.ROUNDING not in {one.limit for one in limits}
    assert TargetLimit.ON_RECORD not in {one.limit for one in target(fresh, TierName.CONSERVATIVE).limited_by}


def test_a_conservative_target_at_the_edge_of_a_cap_does_not_move_from_day_to_day() -> None:
    days = [0.9799, 0.9801, 0.9799, 0.9801]  # what dependencies promise; figures are 97.5 and 98 %
    result = recommended(bound=Bound(promised=days[0]))
    seen = []
    for promised in days:
        result = recommended(bound=Bound(promised=promised), previous=result)
        seen.append(ratio(result, TierName.CONSERVATIVE))

    assert seen == [0.975] * 4
