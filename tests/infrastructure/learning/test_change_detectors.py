from __future__ import annotations

import numpy as np
import pytest
from river.drift import ADWIN, PageHinkley

from sloengine.domain.drift.model import Detector
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

find_alarms = RiverChangeDetectors()


@pytest.mark.parametrize(
    ("detector", "made"),
    [
        (Detector.PAGE_HINKLEY, lambda: PageHinkley(delta=0.5, threshold=12.0)),
        (Detector.ADWIN, lambda: ADWIN(delta=0.002, clock=1, min_window_length=1)),
    ],
)
def test_alarms_are_river_s_own_and_it_starts_afresh_behind_each(detector, made):
    random = np.random.default_rng(1)
    scores = np.concatenate([random.standard_normal(200) + level for level in (0, 2, 0)]).tolist()
    alone, expected = made(), []
    for position, score in enumerate(scores):
        alone.update(score)
        if alone.drift_detected:
            expected.append(position)

    found = find_alarms(detector, scores)

    assert found == expected
    assert len(found) >= 2
    assert find_alarms(detector, scores[found[0] + 1 :]) == [at - found[0] - 1 for at in found[1:]]


def test_the_test_of_windows_is_not_a_stream():
    with pytest.raises(ValueError, match="KOLMOGOROV"):
        find_alarms(Detector.KOLMOGOROV_SMIRNOV, [0.0])
