from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sloengine.domain.accuracy.clustered import clustered_mean, clustered_share


def test_with_one_value_a_cluster_it_is_students_interval():
    values = np.random.default_rng(1).normal(3.0, 2.0, 17)

    found = clustered_mean(values, [np.arange(17)])

    low, high = stats.t.interval(0.95, 16, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


def test_copies_within_a_cluster_teach_nothing():
    values = np.random.default_rng(2).normal(size=8)

    once = clustered_mean(values, [np.arange(8)])
    copied = clustered_mean(np.repeat(values, 50), [np.repeat(np.arange(8), 50)])

    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert copied.effective == pytest.approx(once.effective, rel=0.01)


def test_the_interval_covers_the_truth_where_services_share_incidents():
    random = np.random.default_rng(3)
    clusters = np.repeat(np.arange(12), 30)
    covered = naive = 0
    for _ in range(400):
        shared = random.beta(8, 2, 12)[clusters]
        held = (random.random(len(clusters)) < shared).astype(float)
        found = clustered_mean(held, [clusters])
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.8 <= found.high
        wald = 1.96 * np.sqrt(held.var() / len(held))
        naive += abs(held.mean() - 0.8) <= wald

    assert covered / 400 >= 0.92
    assert naive / 400 < 0.75  # windows taken for independent would be far too sure


def test_the_widest_grouping_decides():
    random = np.random.default_rng(4)
    service, week = np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20)
    values = random.normal(size=10)[week] + 0.1 * random.normal(size=200)

    both = clustered_mean(values, [service, week])

    assert both == clustered_mean(values, [week])
    assert both.effective <= 10


def test_one_cluster_gives_no_interval():
    found = clustered_share(np.ones(30), [np.zeros(30, dtype=np.int64)])

    assert (found.low, found.high) == (None, None)


def test_where_all_held_there_are_as_many_windows_as_clusters():
    found = clustered_share(np.ones(120), [np.repeat(np.arange(6), 20)])

    assert found.effective == 6
    assert found.low == pytest.approx(0.025 ** (1 / 6))  # Clopper and Pearson, none of six failed


def test_where_all_held_the_coarsest_grouping_counts():
    service, block = np.arange(120) % 40, np.arange(120) // 40

    found = clustered_share(np.ones(120), [service, block])

    assert found.effective == 3  # forty services spared by three quiet stretches are three, not forty
    assert found.low == pytest.approx(0.025 ** (1 / 3))


def test_nothing_has_no_mean():
    with pytest.raises(ValueError, match="no value"):
        clustered_mean(np.array([np.nan]), [np.array([0])])
