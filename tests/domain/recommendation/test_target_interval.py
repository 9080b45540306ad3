"""The interval of a target against truths that are known because they were drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RATES, regime_rows, shipped_weights
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.predictive import Predictive, predict
from sloengine.domain.recommendation.target_interval import plausible_quantiles, unavailability_intervals
from sloengine.domain.reliability.daily import DailyHistory
from tests.domain.recommendation.organizations import START

WINDOW = 28.0
TRAFFIC = 1e6
LEVELS = (0.8, 0.92, 0.98)
SHIPPED = OrganizationPrior.shipped()
UNSEEN_SHAPE = shipped_prior.UNSEEN_COUNTS_AS_DAYS / shipped_prior.UNSEEN_EVERY_DAYS


def predicted(bad: np.ndarray, n_draws: int = 4_096, seed: int = 3) -> Predictive:
    """The next window of a service with these failed requests by day, nothing else being known."""
    valid = np.full((1, len(bad)), TRAFFIC)
    history = DailyHistory(("me",), START, bad[None, :], valid, np.ones_like(valid))
    rng = np.random.default_rng(seed)
    return predict(history, SHIPPED, window_days=WINDOW, expected_daily_traffic=np.inf, rng=rng, n_draws=n_draws)


def windows(
    rate: float,
    days: int,
    rng: np.random.Generator,
    n: int,
    *,
    blurred: bool,
    regime: Callable[[np.ndarray], np.ndarray | float] = lambda count: 0.05,
) -> np.ndarray:
    """Unavailability of windows of a service with this rate and no base failures of its own, drawn by hand.

    ``days`` without failures are known of it; ``blurred``: the scale of sizes is as uncertain as the prior has it.
    ``regime``: share of windows with so many episodes whose base failures are the prior's.
    """
    unseen = rng.poisson(WINDOW * rng.gamma(UNSEEN_SHAPE, 1.0 / shipped_prior.UNSEEN_COUNTS_AS_DAYS, n))
    count = rng.poisson(rate * WINDOW, n)
    sizes = shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(
        shipped_prior.SEVERITY_LOG_SD * rng.standard_normal((n, int(count.max())))
    )
    severity = np.where(np.arange(sizes.shape[1]) < count[:, None], sizes, 0.0).sum(axis=1)
    if blurred:
        severity *= np.exp(1.3 / np.sqrt(shipped_prior.PSEUDO_EPISODES) * rng.standard_normal(n))
    for position in range(int(unseen.max())):
        size = np.exp(shipped_prior.SEVERITY_LOG_SD * rng.standard_normal(n))
        severity += np.where(unseen > position, shipped_prior.SEVERITY_MEDIAN_DAYS * size, 0.0)
    shape, prior_rate = SHIPPED.base_gamma("me")
    evidence = days * TRAFFIC / shipped_prior.DISPERSION
    base = rng.gamma(shape, 1.0 / (prior_rate + np.where(rng.random(n) < regime(count), 0.0, evidence)))
    return np.minimum(1.0, base + severity / WINDOW)


@pytest.mark.parametrize("rate", [1 / 300, 1 / 60, 1 / 20])
def test_under_a_known_rate_the_quantiles_are_those_of_windows_drawn_with_it(rate: float) -> None:
    predictive = predicted(np.zeros(30), n_draws=40_000)
    certain = np.zeros(len(RATES))
    certain[int(np.argmin(np.abs(np.log(RATES / rate))))] = 1.0
    rate = float(RATES[certain > 0][0])

    found, _ = plausible_quantiles(
        predictive.unavailability, predictive.rate_episodes, certain, WINDOW, LEVELS, 0.0
    )

    # Draws of a coming change of regime have more episodes, so that fewer than 5 % of the calm ones are such.
    changes, most = regime_rows(40_000), int(predictive.rate_episodes.max())
    shares = np.array([changes[predictive.rate_episodes == k].mean() for k in range(min(most, 3) + 1)])
    truth = windows(
        rate,
        30,
        np.random.default_rng(5),
        200_000,
        blurred=True,
        regime=lambda count: shares[np.minimum(count, len(shares) - 1)],
    )
    attained = [(truth <= quantile).mean() for quantile in found[:, 0]]
    assert attained == pytest.approx(LEVELS, abs=0.008)


@pytest.mark.parametrize("level", LEVELS)
def test_the_tight_end_knows_of_outages_never_had_yet(level: float) -> None:
    """A service that never fails by itself still has its share of what the organisation has not had yet."""
    predictive = predicted(np.zeros(30))
    without_own = predictive.unavailability[predictive.rate_episodes == 0]
    some = (predictive.episode_count > 0)[predictive.rate_episodes == 0]

    found, _ = plausible_quantiles(
        predictive.unavailability, predictive.rate_episodes, predictive.rate_weights, WINDOW, [level], 0.0
    )

    never = (1 + WINDOW / shipped_prior.UNSEEN_COUNTS_AS_DAYS) ** -UNSEEN_SHAPE
    assert some.mean() == pytest.approx(1 - never, abs=0.01)
    assert found.min() >= np.quantile(without_own, level) * (1 - 1e-9)


def test_an_incident_under_way_says_nothing_about_how_often_they_come() -> None:
    bad = np.zeros(30)
    bad[-1] = 0.02 * TRAFFIC

    predictive = predicted(bad)

    going_on = predictive.episode_count - predictive.rate_episodes
    assert going_on.mean() > 1 - 1 / shipped_prior.EPISODE_DAYS
    assert predictive.rate_episodes.mean() < predictive.episode_count.mean()
    assert abs(np.corrcoef(going_on, predictive.rate_episodes)[0, 1]) < 0.05


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Services whose rates come from the prior: quantiles of their windows lie in the interval of 95 %."""
    rng = np.random.default_rng(11)
    rates = rng.choice(RATES, 80, p=shipped_weights())
    covered = []
    for rate in rates:
        down = rng.random(60) < rate
        sizes = shipped_prior.SEVERITY_MEDIAN_DAYS * np.exp(
            shipped_prior.SEVERITY_LOG_SD * rng.standard_normal(60)
        )
        predictive = predicted(np.floor(np.where(down, np.minimum(1.0, sizes), 0.0) * TRAFFIC))
        truth = np.quantile(windows(float(rate), 60, rng, 20_000, blurred=False), LEVELS)
        for (low, high), value in zip(unavailability_intervals(predictive, LEVELS), truth, strict=True):
            covered.append(low * (1 - 1e-9) <= value <= high * (1 + 1e-9))

    assert np.mean(covered) > 0.9
