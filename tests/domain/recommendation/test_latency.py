from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_days import describe_days, percentile_seconds, tails_at
from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationUnavailable,
    TargetLimit,
    TierName,
    UnavailableReason,
)
from sloengine.domain.recommendation.recommend import latency_probability, recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.domain.reliability.window import ComplianceWindow
from tests.domain.recommendation.organizations import BOUNDS, DAY, START, latency_history, organization

SETTINGS = EngineSettings()
KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
PEERS = {
    f"service-{i}": latency_history(
        seed=i, median_seconds=0.02 * (i + 1), slow_days=(13 * i % 90,), service_id=f"service-{i}"
    )
    for i in range(8)
}
PRIOR = learn_latency_prior(PEERS, as_of=START + 90 * DAY)
FINE = np.r_[np.exp(np.linspace(np.log(0.002), np.log(10), 120)), np.inf]


def request(history: LatencyHistory | None, **changes: object) -> LatencyRequest:
    at = START + 90 * DAY
    values: dict[str, object] = {
        "service_id": "service-0",
        "window": ComplianceWindow.ROLLING_28D,
        "as_of": at,
        "history": history,
        "now": at,
    } | changes
    return LatencyRequest(**values)  # type: ignore[arg-type]


def recommended(history: LatencyHistory, **changes: object) -> Recommendation:
    result = recommend_latency(request(history, **changes), PRIOR, SETTINGS)
    assert isinstance(result, Recommendation)
    return result


def thresholds(result: Recommendation, kind: ObjectiveKind = ObjectiveKind.LATENCY_P95) -> list[float]:
    return [t.threshold_ms or 0.0 for tier in result.tiers for t in tier.targets if t.kind is kind]


def test_percentiles_are_those_of_the_requests_within_a_bucket() -> None:
    rng = np.random.default_rng(0)
    seconds = 0.05 * np.exp(0.7 * rng.standard_normal(50_000))
    counts = np.bincount(np.searchsorted(FINE, seconds), minlength=len(FINE)).astype(float)[None, :]

    for q in (0.5, 0.95, 0.99):
        assert percentile_seconds(counts, FINE, q)[0] == pytest.approx(np.quantile(seconds, q), rel=0.02)
    tail = tails_at(counts, FINE, np.array([0.05, 0.2]))[0]
    assert tail == pytest.approx([(seconds > 0.05).mean(), (seconds > 0.2).mean()], abs=0.01)


def test_a_percentile_above_the_last_bound_is_not_known() -> None:
    counts = np.array([[10.0, 90.0]])

    assert percentile_seconds(counts, np.array([0.1, np.inf]), 0.95)[0] == np.inf


def test_slow_days_are_found_and_quiet_noise_is_not() -> None:
    history = latency_history(slow_days=(20, 21, 60))

    days = describe_days(history.bounds_seconds, history.counts, np.arange(90.0)[::-1] + 0.5)

    assert days is not None
    assert np.flatnonzero(days.bad).tolist() == [20, 21, 60]
    assert len(days.shapes) == 2


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    slow=st.lists(st.integers(0, 89), max_size=5),
    median=st.floats(0.003, 1.5),
    days=st.integers(1, 90),
)
def test_thresholds_are_bucket_bounds_in_order_and_say_what_they_hold(
    seed: int, slow: list[int], median: float, days: int
) -> None:
    whole = latency_history(seed=seed, slow_days=tuple(slow), median_seconds=median, per_day=500)
    history = replace(whole, counts=np.where(np.arange(90)[:, None] >= 90 - days, whole.counts, np.nan))

    result = recommended(history)

    bounds = np.round(BOUNDS[:-1] * 1000, 9).tolist()
    for kind in KINDS:
        values = thresholds(result, kind)
        assert values == sorted(values, reverse=True)
        assert set(values) <= set(bounds)
    for tier in result.tiers:
        assert bool(tier.targets) != bool(tier.missing_reason)
        for target in tier.targets:
            assert tier.nominal_probability - 0.001 <= target.probability_met <= SETTINGS.highest_level
            assert target.interval.low <= (target.threshold_ms or 0) <= target.interval.high
            assert target.ratio_objective is not None
            assert target.ratio_objective.threshold_ms == target.threshold_ms
            assert target.ratio_objective.target_ratio == (0.95 if target.kind is KINDS[0] else 0.99)
    for tier in result.tiers:
        values_of = {t.kind: t.threshold_ms or 0 for t in tier.targets}
        if len(values_of) == 2:
            assert values_of[KINDS[0]] <= values_of[KINDS[1]]


def test_a_steady_service_is_promised_little_more_than_its_percentile() -> None:
    history = latency_history(bounds=FINE)
    measured = percentile_seconds(history.counts.sum(axis=0)[None, :], FINE, 0.95)[0] * 1000
    calm = {f"calm-{i}": latency_history(seed=i, bounds=FINE) for i in range(20)}
    prior = learn_latency_prior(calm, as_of=START + 90 * DAY)

    result = recommend_latency(request(history), prior, SETTINGS)

    assert isinstance(result, Recommendation)
    # 5 % margin, week-to-week spread, a slow spell now and then, and the next of bounds 7 % apart.
    assert 1.05 * measured <= thresholds(result)[1] <= 1.3 * measured
    assert thresholds(result)[1] < thresholds(recommended(history))[1]  # peers that get slow make it careful


def test_shared_infrastructure_takes_a_larger_margin() -> None:
    history = latency_history(bounds=FINE)

    own, shared = (thresholds(recommended(history, shared_infrastructure=flag)) for flag in (False, True))

    assert all(a <= b for a, b in zip(own, shared, strict=True))
    assert sum(own) < sum(shared)


def test_throttled_cpu_takes_the_larger_margin_and_is_named_with_its_share() -> None:
    history = latency_history(bounds=FINE)

    hardly, throttled = (recommended(history, throttled_ratio=share) for share in (0.25, 0.31))
    shared = recommended(history, shared_infrastructure=True)

    assert thresholds(hardly) == thresholds(recommended(history))
    assert thresholds(throttled) == thresholds(shared)
    said = [note for note in throttled.data_quality.warnings if "withheld" in note]
    assert len(said) == 1
    assert "31 %" in said[0]
    assert "10 % instead of 5 %" in said[0]
    assert not any("withheld" in note for note in hardly.data_quality.warnings)


def test_a_p99_threshold_is_never_below_the_p95_of_its_tier_whatever_own_windows_have_taught() -> None:
    careful, bold = (replace(CalibrationMap.beta(*ab, "own"), own_windows=1e6) for ab in ((6.0, 0.4), (0.3, 4.0)))
    own = {ObjectiveKind.LATENCY_P95: careful, ObjectiveKind.LATENCY_P99: bold}
    chosen = replace(SETTINGS.with_own_maps(own), highest_level=0.99999)
    steady = latency_history(seed=3, median_seconds=0.05, slow_days=(20,))

    apart, odd = (recommend_latency(request(steady), PRIOR, one) for one in (SETTINGS, chosen))

    assert isinstance(apart, Recommendation)
    assert isinstance(odd, Recommendation)
    raised = 0
    for before, tier in zip(apart.tiers, odd.tiers, strict=True):
        found = {target.kind: target for target in tier.targets}
        p95, p99 = (found[kind].threshold_ms or 0.0 for kind in KINDS)
        assert p99 >= p95
        raised += p99 == p95 > (before.targets[0].threshold_ms or 0.0)
    assert raised


def test_p_met_rises_with_the_threshold() -> None:
    asked = request(latency_history(slow_days=(5, 40)))

    shown = [latency_probability(asked, PRIOR, SETTINGS, KINDS[0], ms) for ms in (50, 100, 130, 200, 500, 5_000)]

    assert shown == sorted(shown)  # type: ignore[type-var]
    assert shown[0] == 0
    assert shown[-1] == SETTINGS.highest_level


def test_more_slow_days_never_tighten_a_threshold() -> None:
    few = recommended(latency_history(bounds=FINE, slow_days=(30,)))
    many = recommended(latency_history(bounds=FINE, slow_days=(10, 30, 50, 70, 80)))

    for kind in KINDS:
        assert all(a <= b for a, b in zip(thresholds(few, kind), thresholds(many, kind), strict=True))
    assert sum(thresholds(few)) < sum(thresholds(many))


def test_the_same_inputs_give_the_same_recommendation() -> None:
    assert recommended(latency_history()) == recommended(latency_history())


def test_a_coarse_layout_is_named_with_the_bound_that_is_missing() -> None:
    coarse = np.array([0.025, 0.1, 1.0, 10.0, np.inf])

    target = recommended(latency_history(bounds=coarse, median_seconds=0.08)).tiers[0].targets[0]

    assert target.threshold_ms == 10_000
    assert target.ratio_objective is not None
    assert "no bound between 1,000 and 10,000 ms" in (target.ratio_objective.warning or "")


def test_percentiles_only_give_no_target() -> None:
    result = recommend_latency(request(replace(latency_history(), percentiles_only=True)), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.NO_HISTOGRAM


def test_what_traces_say_is_a_reason_and_no_target() -> None:
    traced = PercentileRange(0.067108864, 0.134217728)

    result = recommend_latency(request(None, traced_p99=traced), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.NO_HISTOGRAM
    assert "somewhere between 67 and 134 ms" in result.message
    assert "Record a histogram" in result.message


def test_a_layout_that_ends_below_the_percentile_gives_no_target() -> None:
    low = np.array([0.005, 0.01, np.inf])

    result = recommend_latency(request(latency_history(bounds=low)), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.NO_HISTOGRAM
    assert "larger buckets" in result.message


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (None, UnavailableReason.NO_DATA),
        (replace(latency_history(), counts=np.full((90, len(BOUNDS)), np.nan)), UnavailableReason.NO_DATA),
        (replace(latency_history(), counts=-latency_history().counts), UnavailableReason.BAD_TELEMETRY),
        (replace(latency_history(), bounds_seconds=BOUNDS[::-1]), UnavailableReason.BAD_TELEMETRY),
        (latency_history(per_day=2), UnavailableReason.NOT_TESTABLE),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    history: LatencyHistory | None, reason: UnavailableReason
) -> None:
    result = recommend_latency(request(history), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is reason


def test_refused_telemetry_gives_no_latency_target_either() -> None:
    findings = TelemetryFindings(organization(1), {"service-0": "success rate is 0 everywhere"})

    result = recommend_latency(request(latency_history(), findings=findings), PRIOR, SETTINGS)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.BAD_TELEMETRY


def test_little_traffic_leaves_out_the_p99_and_says_so() -> None:
    result = recommended(latency_history(per_day=10))

    assert {t.kind for tier in result.tiers for t in tier.targets} == {ObjectiveKind.LATENCY_P95}
    assert any("p99" in warning for warning in result.data_quality.warnings)


def test_the_replay_judges_whole_windows() -> None:
    result = recommended(latency_history())

    for target in result.tier(TierName.BALANCED).targets:
        assert target.backtest is not None
        assert (target.backtest.windows, target.backtest.met) == (3, 3)
        assert len(target.backtest.series) == 63


def test_days_from_as_of_on_are_ignored() -> None:
    history = latency_history()
    at = START + 60 * DAY
    cut = replace(history, counts=history.counts[:60])

    assert recommended(history, as_of=at, now=at) == recommended(cut, as_of=at + timedelta(hours=23), now=at)


def test_a_threshold_on_record_stays_while_it_still_holds() -> None:
    history = latency_history(bounds=FINE)
    first = recommended(history)
    bounds = [float(f"{b * 1000:.12g}") for b in FINE[:-1]]
    near = next(
        b
        for b in bounds[::-1]
        if 0.88 <= (latency_probability(request(history), PRIOR, SETTINGS, KINDS[0], b) or 0) <= 0.945
    )
    tiers = tuple(
        replace(t, targets=tuple(replace(x, threshold_ms=near) if x.kind is KINDS[0] else x for x in t.targets))
        if t.name is TierName.BALANCED
        else t
        for t in first.tiers
    )

    again = recommended(history, previous=replace(first, tiers=tiers))

    assert again.tier(TierName.BALANCED).targets[0].threshold_ms == near


def test_a_slower_threshold_that_stays_is_limited_by_what_is_on_record_and_not_by_rounding() -> None:
    history = latency_history(bounds=FINE)
    first = recommended(history)
    bounds = [float(f"{b * 1000:.12g}") for b in FINE[:-1]]
    fresh = {t.name: t.targets[0].threshold_ms or 0.0 for t in first.tiers}
    met = {b: latency_probability(request(history), PRIOR, SETTINGS, KINDS[0], b) or 0.0 for b in bounds}
    band = {
        TierName.CONSERVATIVE: SETTINGS.highest_level - 1e-9,
        TierName.BALANCED: 0.95,
        TierName.AGGRESSIVE: 0.83,
    }
    name, slower = next((n, b) for n, most in band.items() for b in bounds if b > fresh[n] and met[b] <= most)
    tiers = tuple(
        replace(t, targets=(replace(t.targets[0], threshold_ms=slower), *t.targets[1:])) if t.name is name else t
        for t in first.tiers
    )

    kept = recommended(history, previous=replace(first, tiers=tiers)).tier(name).targets[0]

    assert kept.threshold_ms == slower
    limits = [one.limit for one in kept.limited_by]
    assert limits[0] is TargetLimit.ON_RECORD
    assert TargetLimit.ROUNDING not in limits


def test_a_conservative_threshold_on_record_becomes_tighter_again_when_it_is_met_nearly_always() -> None:
    history = latency_history(bounds=FINE)
    fresh = recommended(history)
    loose = float(f"{FINE[-2] * 1000:.12g}")
    tiers = tuple(
        replace(t, targets=tuple(replace(x, threshold_ms=loose) for x in t.targets))
        if t.name is TierName.CONSERVATIVE
        else t
        for t in fresh.tiers
    )

    again = recommended(history, previous=replace(fresh, tiers=tiers))

    met = latency_probability(request(history), PRIOR, SETTINGS, KINDS[0], loose)
    assert met == SETTINGS.highest_level
    assert thresholds(again) == thresholds(fresh)
    assert thresholds(fresh)[0] < loose


def test_the_prior_comes_back_from_json() -> None:
    back = LatencyPrior.from_dict(json.loads(json.dumps(PRIOR.to_dict())))

    assert back.service_ids == PRIOR.service_ids
    assert np.allclose(back.shapes, PRIOR.shapes, atol=1e-6)
    assert recommend_latency(request(latency_history()), back, SETTINGS) is not None
    with pytest.raises(ValueError, match="schema"):
        LatencyPrior.from_dict(PRIOR.to_dict() | {"schema": 99})
