from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.drift.values import expected_bad_ratio, failure_deviations, log_latencies


@pytest.mark.parametrize("requests", [300.0, 20_000.0])
def test_independent_failures_deviate_by_about_one_whatever_the_traffic(requests: float):
    random = np.random.default_rng(1)
    total = np.full(20_000, requests)
    bad = random.binomial(total.astype(int), 0.02).astype(float)

    deviations = failure_deviations(bad, total, 0.02)

    assert abs(deviations.mean()) < 0.1
    assert 0.95 < deviations.std() < 1.05


@given(bad=st.integers(0, 500), total=st.integers(500, 10_000), ratio=st.floats(1e-5, 0.5))
def test_more_failures_never_deviate_less(bad: int, total: int, ratio: float):
    less, more = failure_deviations(np.array([bad, bad + 1.0]), np.array([total, total + 0.0]), ratio)

    assert less < more


def test_an_hour_without_requests_has_no_value():
    found = failure_deviations(np.array([0.0, np.nan]), np.array([0.0, np.nan]), 0.01)

    assert np.isnan(found).all()


def test_an_incident_does_not_become_what_is_expected():
    total = np.full(1000, 10_000.0)
    bad = np.full(1000, 10.0)
    bad[:20] = 9_000

    assert expected_bad_ratio(bad, total) == pytest.approx(0.001, rel=0.01)


def test_no_failure_yet_is_not_never():
    assert expected_bad_ratio(np.zeros(10), np.full(10, 100.0)) == pytest.approx(0.5 / 1001)


def test_a_percentile_of_few_requests_is_no_value():
    found = log_latencies(np.array([100.0, 100.0, np.nan]), np.array([39.0, 40.0, 500.0]), 40)

    assert np.isnan(found).tolist() == [True, False, True]
    assert found[1] == pytest.approx(np.log(100))
