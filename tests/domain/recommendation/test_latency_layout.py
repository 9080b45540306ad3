from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.recommendation.latency_layout import Rounded, layout_note
from sloengine.domain.recommendation.model import TierName
from tests.domain.recommendation.test_latency import FINE, latency_history, recommended, thresholds

OTEL = np.array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, np.inf])


def test_tiers_that_share_a_bound_are_told_what_they_would_be_and_which_bounds_are_missing():
    rounded = [
        Rounded(TierName.CONSERVATIVE, 4100.0, 5000.0),
        Rounded(TierName.BALANCED, 3300.0, 5000.0),
        Rounded(TierName.AGGRESSIVE, 2600.0, 5000.0),
    ]

    assert layout_note(95, rounded, OTEL) == (
        "p95: 3 tiers share 5,000 ms because the histogram has no bound between 2,500 and 5,000 ms; about "
        "2,600 ms (aggressive), 3,300 ms (balanced), 4,100 ms (conservative) would hold, read between the bounds; "
        "add 3,000 and 4,000 ms to the bucket bounds"
    )


def test_a_300_ms_service_is_told_that_otel_s_bounds_have_no_300():
    note = layout_note(99, [Rounded(TierName.BALANCED, 280.0, 500.0)], OTEL)

    assert note is not None
    assert "500 ms is that wide" in note
    assert "between 250 and 500 ms" in note
    assert "add 300 ms" in note


@pytest.mark.parametrize(
    "rounded",
    [
        [Rounded(TierName.BALANCED, 480.0, 500.0)],
        [Rounded(TierName.BALANCED, 470.0, 500.0), Rounded(TierName.AGGRESSIVE, 460.0, 500.0)],
        [],
    ],
)
def test_a_layout_that_carries_the_targets_is_not_mentioned(rounded):
    assert layout_note(95, rounded, OTEL) is None


def test_the_summary_and_the_warnings_say_that_bounds_decide_and_a_fine_layout_says_nothing():
    coarse = latency_history(bounds=np.array([0.025, 0.1, 1.0, 10.0, np.inf]), median_seconds=0.2)

    forced, free = (
        recommended(coarse),
        recommended(replace(latency_history(bounds=FINE), service_id=coarse.service_id)),
    )

    assert set(thresholds(forced)) == {10_000.0}
    assert any("no bound between 1,000 and 10,000 ms" in said for said in forced.data_quality.warnings)
    assert "The bucket bounds decide" in forced.summary
    assert "bucket bounds" not in free.summary
    assert not any("no bound" in said for said in free.data_quality.warnings)
