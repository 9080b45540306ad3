from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from sloengine.domain.drift.memory import memory_of
from sloengine.domain.reliability.panel import FloatArray


def autoregressive(seed: int, coefficients: list[float], hours: int) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_normal(hours + 300)
    made: FloatArray = lfilter([1.0], [1.0, *(-one for one in coefficients)], drawn)[300:]
    return made


@pytest.mark.parametrize("coefficients", [[0.0], [0.6], [0.9], [0.5, 0.3]])
def test_memory_of_a_long_series_is_the_one_it_was_made_with(coefficients: list[float]):
    found = memory_of(autoregressive(1, coefficients, 40_000))

    assert len(found) == len(coefficients)
    assert found == pytest.approx(coefficients, abs=0.02)


def test_memory_falls_short_in_few_series_where_seven_hours_of_eight_are_missing():
    found = []
    for seed in range(200):
        values = autoregressive(seed, [0.6], 1_344)
        values[np.random.default_rng(1_000 + seed).random(len(values)) > 0.125] = np.nan
        found.append(float(memory_of(values).sum()))

    assert np.mean(np.array(found) < 0.6) < 0.28  # 0.34 where what is seen in twenty pairs is believed
    assert np.median(found) < 0.85


def test_the_error_of_few_pairs_is_added_and_none_where_all_hours_are_there():
    values = autoregressive(3, [0.3], 1_344)
    lag1 = float((values[1:] * values[:-1]).mean() / (values**2).mean())
    gaps = values.copy()
    gaps[np.arange(1_344) % 8 > 1] = np.nan
    pairs = np.arange(0, 1_344, 8)
    seen = float((values[pairs] * values[pairs + 1]).mean() / np.nanmean(gaps**2))

    added = np.sqrt((1 - seen**2) * (1 / (len(pairs) + 1) - 1 / 1_344))
    assert memory_of(values) == pytest.approx([lag1 + (1 + 3 * lag1) / 1_344], abs=1e-3)
    assert memory_of(gaps) == pytest.approx([seen + (1 + 3 * seen) / (2 * len(pairs)) + added / 2])


def test_a_series_that_never_moves_has_no_memory():
    assert memory_of(np.zeros(500)).tolist() == [0.0]


def test_memory_is_that_of_the_pairs_where_lone_values_vary_more():
    values = autoregressive(5, [0.9], 4_000)
    alone = np.full(4_000, np.nan)
    alone[::8] = 3 * autoregressive(6, [0.9], 500)

    found = memory_of(np.concatenate((alone, values)))

    assert found.sum() == pytest.approx(0.9, abs=0.03)  # 0.75 against the squares of all
