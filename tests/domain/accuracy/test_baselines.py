from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.accuracy.baselines import baseline_targets, worst_window
from sloengine.domain.recommendation.model import TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import daily_sums
from tests.domain.recommendation.organizations import organization, with_row


def targets(bad: np.ndarray, valid: np.ndarray) -> dict[tuple[str, TierName], float]:
    panel = with_row(organization(services=1, days=len(valid)), "s", bad, valid)
    history = daily_sums(panel, as_of=panel.ends_at, lookback_days=90).row("s")
    return baseline_targets(history, EngineSettings(), window_days=28, rng=np.random.default_rng(0))


def test_the_mean_looks_at_thirty_days_and_the_worst_window_at_all():
    valid = np.full(90, 1e5)
    bad = np.full(90, 10.0)
    bad[20] = 28_000.0  # 1 % of a window, two months ago

    found = targets(bad, valid)

    assert found["MEAN_30_DAYS", TierName.BALANCED] == 0.9999
    assert found["WORST_WINDOW", TierName.BALANCED] == pytest.approx(0.985)  # 98.99 %, rounded to the safe side
    assert found["FIXED_99_9", TierName.AGGRESSIVE] == 0.999


def test_the_bootstrap_of_a_clean_record_is_as_bold_as_traffic_allows():
    found = targets(np.zeros(90), np.full(90, 1e3))

    assert found["OWN_BOOTSTRAP", TierName.CONSERVATIVE] == 0.9998  # five failures in 28,000 requests


def test_a_short_history_is_its_own_worst_window():
    assert worst_window(np.array([1.0, 3.0]), np.array([10.0, 10.0]), 28) == pytest.approx(0.2)
