from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds
from sloengine.domain.reliability.latency_hours import latency_hours, percentiles_seconds
from sloengine.domain.reliability.panel import LatencyHistory

AT = datetime(2026, 3, 1, tzinfo=UTC)
BOUNDS = np.array([0.1, 0.2, 0.5, np.inf])


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_many_percentiles_are_what_each_alone_is(q: float):
    counts = np.random.default_rng(1).integers(0, 4, (200, 4)).astype(float)
    counts[:, 0] += 1
    counts[0] = 0

    found = percentiles_seconds(BOUNDS, counts, q)

    alone = [histogram_percentile_seconds(BOUNDS, row, q) for row in counts]
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([value for value in alone[1:] if value is not None])


def test_histories_that_start_at_different_hours_are_put_side_by_side():
    one = LatencyHistory("a", AT, BOUNDS, np.array([[10.0, 0, 0, 0], [np.nan] * 4]))
    two = LatencyHistory("b", AT + timedelta(hours=1), BOUNDS, np.array([[0.0, 100, 0, 0]]))

    hours = latency_hours([one, two])

    assert hours is not None
    np.testing.assert_allclose(hours.p50_ms, [[50, np.nan], [np.nan, 150]])
    np.testing.assert_allclose(hours.requests, [[10, np.nan], [np.nan, 100]])
    assert latency_hours([]) is None
