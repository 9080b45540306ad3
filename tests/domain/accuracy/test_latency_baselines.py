from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from sloengine.domain.accuracy.latency_baselines import latency_baseline_targets, worst_percentile_ms
from sloengine.domain.accuracy.report import Comparison
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import FloatArray

BOUNDS = np.array([0.1, 0.2, 0.4, 0.8, np.inf])
P95, P99 = ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99


def days(*slow_shares: float, requests: float = 1e5) -> FloatArray:
    """One row a day: so large a share of the requests takes 0.4 to 0.8 s, the rest less than 0.1 s."""
    slow = np.array(slow_shares)[:, None]
    return np.hstack([1 - slow, 0 * slow, 0 * slow, slow, 0 * slow]) * requests


def targets(counts: FloatArray, window_days: int = 7) -> dict[tuple[str, ObjectiveKind, TierName], float]:
    return latency_baseline_targets(
        counts, BOUNDS, EngineSettings(), window_days=window_days, rng=np.random.default_rng(0)
    )


def test_the_last_thirty_days_forget_what_the_worst_window_remembers():
    found = targets(days(*[0.0] * 20, 0.6, *[0.0] * 40))

    assert {found["MEAN_30_DAYS", kind, tier] for kind in (P95, P99) for tier in TierName} == {100.0}
    assert {found["WORST_WINDOW", kind, tier] for kind in (P95, P99) for tier in TierName} == {800.0}


def test_resampled_windows_are_slow_as_often_as_a_slow_day_is_drawn():
    """One day in 60 is slow enough to decide a week: 11.1 % of resampled weeks have it, 1 - (59/60)^7."""
    found = targets(days(*[0.0] * 59, 1.0))

    assert binom.sf(0, 7, 1 / 60) == pytest.approx(0.111, abs=1e-3)
    assert found["OWN_BOOTSTRAP", P95, TierName.CONSERVATIVE] == 800.0
    assert found["OWN_BOOTSTRAP", P95, TierName.BALANCED] == 800.0
    assert found["OWN_BOOTSTRAP", P95, TierName.AGGRESSIVE] == 100.0


def test_a_fixed_threshold_is_the_next_bound_and_absent_above_the_last():
    found = targets(days(*[0.0] * 30))

    assert found["FIXED_LATENCY", P95, TierName.BALANCED] == 800.0
    assert ("FIXED_LATENCY", P99, TierName.BALANCED) not in found


def test_too_few_requests_for_a_percentile_leave_it_out_as_the_engine_does():
    requests = EngineSettings().testable_failures / 0.05 / 7  # of a day: just enough for p95, not for p99

    found = targets(days(*[0.0] * 30, requests=1.01 * requests))

    assert {kind for _, kind, _ in found} == {P95}
    assert targets(days(*[0.0] * 30, requests=0.99 * requests)) == {}
    assert targets(np.zeros((0, len(BOUNDS)))) == {}


def test_worst_windows_roll_and_a_short_history_is_one():
    counts = days(0.0, 0.04, 0.04, 0.0, 0.0)

    # Two days of 4 % in a row: 4 % of two days, 2.67 % of three.
    assert worst_percentile_ms(counts, BOUNDS, 0.97, 2) > 400
    assert worst_percentile_ms(counts, BOUNDS, 0.97, 3) <= 100
    assert worst_percentile_ms(counts, BOUNDS, 0.99, 28) > 400


def test_of_thresholds_the_lower_one_is_tighter():
    found = Comparison(P95, TierName.BALANCED, 30, "WORST_WINDOW", 10, 0.9, 0.9, 200.0, 100.0)

    assert found.rule_is_better
    assert not replace(found, rule_target=400.0).rule_is_better
    assert not replace(found, rule_attained=0.8).rule_is_better
    assert replace(found, kind=ObjectiveKind.AVAILABILITY, engine_target=0.99, rule_target=0.999).rule_is_better
