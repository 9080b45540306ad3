"""What counts as an outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.accuracy.outcome import outcome_of
from sloengine.domain.reliability.panel import SliPanel

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def panel(good: np.ndarray) -> SliPanel:
    return SliPanel(("a",), START, HOUR, good[None], np.full((1, len(good)), 100.0))


def test_hours_with_more_good_than_valid_events_do_not_make_up_for_failures():
    good = np.full(28 * 24, 100.0)
    good[:24] = 50.0
    good[100:112] = 200.0

    outcome = outcome_of(panel(good), {}, START, 28 * DAY)

    assert outcome.availability["a"] == pytest.approx(1 - 24 * 50 / ((28 * 24 - 12) * 100))


def test_a_window_with_too_many_of_them_is_no_outcome():
    good = np.full(28 * 24, 100.0)
    good[:100] = 200.0

    assert outcome_of(panel(good), {}, START, 28 * DAY).availability == {}
