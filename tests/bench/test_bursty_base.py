"""Bursts have the law that the bench says they have, and every traffic is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from bench.bursty_base import TRAFFIC, burst_failures, promised_less_held
from sloengine.domain.recommendation.settings import EngineSettings


@pytest.mark.parametrize(("size", "dispersion"), [(1.0, 1.0), (3.0, 5.0), (10.0, 19.0)])
def test_failures_in_bursts_of_geometric_sizes_vary_by_twice_their_mean_less_one(size: float, dispersion: float):
    """Variance of a compound Poisson sum over its mean: E[S^2] / E[S]."""
    drawn = burst_failures(np.random.default_rng(1), np.array([[60.0]]), size, (1, 40_000))

    assert drawn.mean() == pytest.approx(60.0, rel=0.02)
    assert drawn.var() / drawn.mean() == pytest.approx(dispersion, rel=0.05)


def test_half_of_the_services_of_every_traffic_are_asked_about_and_hold_about_as_promised():
    found = promised_less_held(0, 3.0, 30, EngineSettings(n_draws=300))

    assert sorted(found) == list(TRAFFIC)
    assert sum(len(rows) for rows in found.values()) == 15
    assert np.nanmean(np.concatenate(list(found.values()))) == pytest.approx(0.0, abs=0.15)
