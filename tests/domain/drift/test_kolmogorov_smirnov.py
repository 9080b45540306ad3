from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sloengine.domain.drift.kolmogorov_smirnov import critical_distance, distances


@pytest.mark.parametrize("digits", [1, 8], ids=["many ties", "no ties"])
def test_the_distance_is_scipy_s(digits: int):
    random = np.random.default_rng(digits)
    reference = np.sort(random.standard_normal(300).round(digits))
    windows = (random.standard_normal((40, 24)) + 0.5).round(digits)

    found = distances(windows, reference)

    assert found == pytest.approx([ks_2samp(window, reference).statistic for window in windows])


def test_the_critical_distance_is_where_scipy_s_p_value_is():
    random = np.random.default_rng(3)
    reference = np.sort(random.standard_normal(672))
    windows = random.standard_normal((200, 24)) + np.linspace(0, 2, 200)[:, None]

    found = distances(windows, reference) > critical_distance(24, 672, 1e-3)

    p_values = [ks_2samp(window, reference, method="asymp").pvalue for window in windows]
    assert found.tolist() == [p < 1e-3 for p in p_values]
    assert 20 < found.sum() < 180
