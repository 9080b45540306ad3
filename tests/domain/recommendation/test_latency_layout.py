from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.recommendation.latency_layout import Rounded, layout_note, layout_sentence
from sloengine.domain.recommendation.model import TierName
from tests.domain.recommendation.test_latency import FINE, latency_history, recommended, thresholds

OTEL = np.array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, np.inf])


def test_tiers_that_share_a_bound_are_told_what_they_would_be_and_which_bounds_are_missing():
    rounded = [
        Rounded(TierName.CONSERVATIVE, 4100.0, 5000.0),
        Rounded(TierName.BALANCED, 3300.0, 5000.0),
        Rounded(TierName.AGGRESSIVE, 2600.0, 5000.0),
    ]

    note = layout_note(95, rounded, OTEL)

    assert note is not None
    assert note.text == (
        "p95: 3 tiers share 5,000 ms because the histogram has no bound between 2,500 and 5,000 ms; about "
        "2,600 ms (aggressive), 3,300 ms (balanced), 4,100 ms (conservative) would hold, read between the bounds; "
        "add 3,000 and 4,000 ms to the bucket bounds"
    )


def test_a_300_ms_service_is_told_that_otel_s_bounds_have_no_300():
    note = layout_note(99, [Rounded(TierName.BALANCED, 280.0, 500.0)], OTEL)

    assert note is not None
    assert "500 ms is no tighter because the histogram has no bound between 250 and 500 ms" in note.text
    assert (note.gaps, note.missing) == (((250.0, 500.0),), (300.0,))


@pytest.mark.parametrize(
    "rounded",
    [
        [Rounded(TierName.BALANCED, 480.0, 500.0)],
        [Rounded(TierName.BALANCED, 470.0, 500.0), Rounded(TierName.AGGRESSIVE, 460.0, 500.0)],
        [],
        # The bound that is lower than what would hold in one tier was passed over for another reason.
        [Rounded(TierName.BALANCED, 240.0, 500.0)],
    ],
)
def test_a_layout_that_carries_the_targets_is_not_mentioned(rounded):
    assert layout_note(95, rounded, OTEL) is None


def test_the_summary_names_each_gap_and_each_bound_to_add_once():
    notes = [
        layout_note(
            95, [Rounded(TierName.BALANCED, 140.0, 250.0), Rounded(TierName.CONSERVATIVE, 280.0, 500.0)], OTEL
        ),
        layout_note(99, [Rounded(TierName.BALANCED, 290.0, 500.0)], OTEL),
    ]

    assert layout_sentence([note for note in notes if note is not None]) == (
        "The bounds of its histogram, more than the service, decide these thresholds: there is none between 100 "
        "and 250 ms, nor between 250 and 500 ms. Add 150 and 300 ms to the bucket bounds to get tighter ones."
    )
    assert layout_sentence([]) == ""


def test_bounds_close_to_each_other_carry_targets_even_where_tiers_share_one():
    rounded = [Rounded(TierName.BALANCED, 295.0, 300.0), Rounded(TierName.AGGRESSIVE, 255.0, 300.0)]

    assert layout_note(95, rounded, np.array([0.2, 0.25, 0.3, 0.4, np.inf])) is None


def test_the_summary_and_the_warnings_say_that_bounds_decide_and_a_fine_layout_says_nothing():
    coarse = latency_history(bounds=np.array([0.025, 0.1, 1.0, 10.0, np.inf]), median_seconds=0.2)

    forced, free = (
        recommended(coarse),
        recommended(replace(latency_history(bounds=FINE), service_id=coarse.service_id)),
    )

    assert set(thresholds(forced)) == {10_000.0}
    assert any("no bound between 1,000 and 10,000 ms" in said for said in forced.data_quality.warnings)
    assert "there is none between 1,000 and 10,000 ms. Add " in forced.summary
    assert "bucket bounds" not in free.summary
    assert not any("no bound" in said for said in free.data_quality.warnings)
