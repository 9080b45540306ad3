"""The promise itself, on organisations whose truth is known and on a year of real uptime."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from bench.calibration_organizations import World
from bench.calibration_trial import Trial, homelab_panel, run_real, run_trial
from bench.latency_trial import LatencyTrial
from bench.latency_trial import run_trial as run_latency_trial
from sloengine.domain.recommendation.model import TierName
from sloengine.domain.recommendation.settings import EngineSettings

ORGANIZATIONS = 20
SETTINGS = EngineSettings(n_draws=2_000)
TIERS = list(TierName)
# A copy of this process, whose other threads hold locks that nobody in the copy gives back, may stand still.
AFRESH = get_context("spawn")


def _trial(job: tuple[int, int]) -> Trial:
    seed, days = job
    return run_trial(seed, days, World(services=20), SETTINGS)


@pytest.fixture(scope="module", params=[14, 30])
def trials(request: pytest.FixtureRequest) -> list[Trial]:
    jobs = [(seed, request.param) for seed in range(ORGANIZATIONS)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=AFRESH) as pool:
        return list(pool.map(_trial, jobs))


def differences(parts: list[np.ndarray]) -> tuple[float, float]:
    """Mean over organisations and its standard error, in points: services of one share incidents."""
    means = np.array([100 * np.nanmean(part) for part in parts])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))


@pytest.mark.parametrize(("position", "allowed"), [(0, 1.5), (1, 2.5), (2, 3.0)], ids=TIERS)
def test_targets_hold_as_often_as_they_say(trials: list[Trial], position: int, allowed: float) -> None:
    over, error = differences([t.promised[:, position] - t.held[:, position] for t in trials])

    assert over <= allowed + 2 * error


@pytest.mark.parametrize(("position", "allowed"), [(0, 1.5), (1, 2.5), (2, 3.0)], ids=TIERS)
def test_targets_are_not_absurdly_cautious(trials: list[Trial], position: int, allowed: float) -> None:
    """By all windows that the truth allows, so that nothing has to be allowed for chance.

    In the windows that came after 30 days Aggressive targets held 4.0 (standard error 1.2) points more often than
    in all of them: half of what they held beyond P(met) there.
    """
    over, _ = differences([t.promised[:, position] - t.expected[:, position] for t in trials])

    assert over >= -allowed - 2.5


@pytest.mark.parametrize(("position", "allowed"), [(0, 1.0), (1, 1.0), (2, 1.5)], ids=TIERS)
def test_targets_hold_as_often_as_those_of_an_oracle(trials: list[Trial], position: int, allowed: float) -> None:
    behind, error = differences([t.oracle_held[:, position] - t.held[:, position] for t in trials])

    assert behind <= allowed + 2 * error


def test_targets_cost_at_most_twice_the_oracles_budget_from_a_month_on(trials: list[Trial]) -> None:
    price = np.nanmedian(np.concatenate([t.budget[:, 0] / t.oracle_budget[:, 0] for t in trials]))

    # Twenty services teach little; in two weeks of them most have not yet had the outages that they share.
    assert price <= (2.0 if trials[0].days >= 30 else 2.75)


@pytest.mark.parametrize(("position", "allowed"), [(0, 1.5), (1, 2.5), (2, 3.0)], ids=TIERS)
def test_a_bootstrap_of_a_services_own_days_would_fail_this(
    trials: list[Trial], position: int, allowed: float
) -> None:
    nominal = SETTINGS.nominal_probability[TIERS[position]]
    over, error = differences([nominal - t.own_held[:, position] for t in trials])

    assert over > allowed + 2 * error


def test_a_year_of_real_uptime_does_not_refute_the_promise(real_data: Path) -> None:
    folder = real_data / "uptime-homelab"
    seen = list(run_real(homelab_panel(folder), SETTINGS, every=21))

    for position, nominal in enumerate(SETTINGS.nominal_probability[name] for name in TIERS):
        held = 100 * np.nanmean(np.concatenate([t.held[:, position] for t in seen]))
        own = 100 * np.nanmean(np.concatenate([t.own_held[:, position] for t in seen]))
        # Twelve services in three sites over a year: an interval of some ten points either way.
        assert held >= 100 * nominal - 10
        assert held > own


@pytest.mark.parametrize(("tier", "allowed"), [(0, 1.5), (1, 2.5), (2, 3.0)], ids=TIERS)
def test_latency_targets_hold_as_often_as_they_say(
    latency_trials: list[LatencyTrial], tier: int, allowed: float
) -> None:
    for kind in range(2):
        over, error = differences([t.promised[:, kind, tier] - t.held[:, kind, tier] for t in latency_trials])

        assert over <= allowed + 2 * error
        assert over >= -allowed - 4.0 - 2 * error


@pytest.fixture(scope="module")
def latency_trials() -> list[LatencyTrial]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=AFRESH) as pool:
        return list(pool.map(_latency_trial, range(6)))


def _latency_trial(seed: int) -> LatencyTrial:
    return run_latency_trial(seed, 30, services=20)
