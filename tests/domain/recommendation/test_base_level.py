"""What is known of failures outside incidents: no more than their bursts let be known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.recommendation.base_spread import WeeklySpread, learn_spread
from sloengine.domain.recommendation.incidents import split_incidents
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, prior_from_days
from sloengine.domain.recommendation.predictive import base_knowledge
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior
from sloengine.domain.recommendation.window_draws import base_gamma, base_level, weekly_dispersion
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory
from tests.domain.recommendation.organizations import START

SERVICES, DAYS, VALID = 300, 56, 1e5
LEVELS = (0.05, 0.2, 0.5, 0.8, 0.92, 0.98)
SHIPPED = ServicePrior.of(OrganizationPrior.shipped(), "anyone")


def numbers(n: int = 2_000) -> WindowNumbers:
    made = WindowNumbers.of(np.random.default_rng(9), n)
    made.regime[:] = False  # a coming shift is another matter
    return made


def whole(base: BaseKnowledge, prior: ServicePrior) -> tuple[BaseKnowledge, ServicePrior]:
    """The same with each failed request as one observation."""
    return replace(base, dispersion=1.0), replace(prior, spread=WeeklySpread(0.0))


def dispersed(
    bad: float, valid: float, dispersion: float, shape: float = 0.5
) -> tuple[BaseKnowledge, ServicePrior]:
    """So much known of a service in an organisation where all have this dispersion."""
    prior = replace(SHIPPED, base_shape=shape, base_rate=shape / 8e-5, spread=WeeklySpread(dispersion - 1.0))
    return BaseKnowledge(bad, valid, 90.0, dispersion, 12.0), prior


@cache
def known(size: int) -> tuple[np.ndarray, list[tuple[BaseKnowledge, ServicePrior]]]:
    """True levels of services whose failures come ``size`` at a time (Poisson), and what is learnt of them.

    Levels have a gamma law of shape 2 around 8e-5: one burst in two days where they are large, no day that stands
    out as an incident.
    """
    rng = np.random.default_rng(size)
    true = rng.gamma(2.0, 4e-5, SERVICES)
    bad = size * rng.poisson(true[:, None] * VALID / size, (SERVICES, DAYS)).astype(float)
    names = tuple(f"service-{row}" for row in range(SERVICES))
    history = DailyHistory(names, START, bad, np.full(bad.shape, VALID), np.ones(bad.shape))
    prior = prior_from_days(history, learnt_at=START)
    learnt = []
    for name in names:
        split = split_incidents(history.row(name))
        assert len(split.severity) == 0
        assert split.base_valid[0] == DAYS * VALID
        learnt.append((base_knowledge(split), ServicePrior.of(prior, name)))
    return true, learnt


@pytest.mark.parametrize("size", [1, 3, 10])
def test_true_levels_lie_below_each_quantile_as_often_as_it_says(size: int) -> None:
    """Simulated with known truth, bursts of one size: the dispersion is the size, and is itself estimated.

    Taken whole, 43 % of the levels would lie above the quantile of 80 % where failures come ten at a time.
    """
    true, learnt = known(size)
    drawn = numbers()
    place, taken_whole = (
        np.array([(base_level(*one, drawn) <= level).mean() for level, one in zip(true, every, strict=True)])
        for every in (learnt, [whole(*one) for one in learnt])
    )

    if size == 10:
        assert (taken_whole > 0.8).mean() == pytest.approx(0.43, abs=0.05)
    for level in LEVELS:
        assert (place <= level).mean() == pytest.approx(level, abs=0.05)
    found = np.array([weekly_dispersion(base, prior) for base, prior in learnt])
    assert np.median(found) == pytest.approx(size, rel=0.25)


def test_where_failures_are_independent_next_to_nothing_changes() -> None:
    _, learnt = known(1)
    drawn = numbers()

    for level in (0.8, 0.92, 0.98):
        ratios = []
        for base, prior in learnt:
            both = (base, prior), whole(base, prior)
            found, plain = (np.quantile(base_level(*one, drawn), level) for one in both)
            ratios.append(found / plain)
        assert np.median(ratios) == pytest.approx(1.0, abs=0.01)
        assert max(ratios) < 1.25
        assert min(ratios) > 0.999


counts = st.tuples(st.floats(0.0, 400.0), st.floats(1e3, 1e8))
dispersions = st.floats(1.0, 60.0)


@given(counts=counts, shape=st.floats(0.1, 3.0), one=dispersions, other=dispersions)
def test_more_dispersion_is_never_less_failure_and_never_more_evidence(
    counts: tuple[float, float], shape: float, one: float, other: float
) -> None:
    """So what lies beyond any budget is never less: the larger mean of the smaller shape exceeds it by more."""
    (less_shape, less_mean), (more_shape, more_mean) = (
        base_gamma(*dispersed(min(counts), max(counts), dispersion, shape)) for dispersion in sorted((one, other))
    )

    assert more_mean >= less_mean * (1 - 1e-12)
    assert more_shape <= less_shape


@given(counts=counts, shape=st.floats(0.6, 3.0), one=dispersions, other=dispersions)
def test_more_dispersion_never_lets_a_tier_ask_for_less_failure(
    counts: tuple[float, float], shape: float, one: float, other: float
) -> None:
    """Where peers' law has a shape of 0.6 or more: below, most hardly fail, and 80 % of a wider law lie lower."""
    drawn = numbers(800)
    less, more = (
        base_level(*dispersed(min(counts), max(counts), dispersion, shape), drawn)
        for dispersion in sorted((one, other))
    )

    for level in (0.8, 0.92, 0.98):
        assert np.quantile(more, level) >= np.quantile(less, level) * (1 - 0.01)


@given(counts=counts, more=st.floats(0.0, 100.0), dispersion=dispersions, worse=dispersions)
def test_failures_that_are_added_to_one_week_never_make_the_mean_smaller(
    counts: tuple[float, float], more: float, dispersion: float, worse: float
) -> None:
    """They raise the dispersion, too: that may not make up for them."""
    before, after = (
        base_gamma(*dispersed(bad, max(counts), spread))[1]
        for bad, spread in (
            (min(counts), min(dispersion, worse)),
            (min(counts) + more, max(dispersion, worse)),
        )
    )

    assert after >= before * (1 - 1e-12)


@pytest.mark.parametrize(("size", "level_sd"), [(1, 0.0), (6, 0.0), (1, 0.3), (6, 0.3)])
def test_bursts_and_levels_that_go_up_and_down_are_told_apart_by_traffic(size: int, level_sd: float) -> None:
    """120 services with 2 to 2,000 failures a week, drawn by hand; one in ten has a shift as well."""
    rng = np.random.default_rng([size, int(10 * level_sd)])
    mean, freedom = np.geomspace(2.0, 2_000.0, 120), 20
    level = np.maximum(0.0, 1.0 + level_sd * rng.standard_normal((120, freedom + 1)))
    level[::10, 15:] *= 3.0
    weekly = size * rng.poisson(mean[:, None] * level / size)
    found = weekly.var(axis=1, ddof=1) / weekly.mean(axis=1)

    spread = learn_spread(found, np.full(120, float(freedom)), weekly.mean(axis=1))

    for at in (2.0, 50.0, 1_000.0):
        truth = size + level_sd**2 * at  # of Poisson sums of one size, and of the levels they are drawn around
        assert spread.at(at) == pytest.approx(truth, rel=0.35, abs=0.3)


def test_an_organisation_of_busy_services_says_little_against_the_clean_record_of_a_small_one() -> None:
    """A level that goes up and down by 30 % is a dispersion of 1,300 in 14,000 failures, and of 1.1 in one."""
    rng = np.random.default_rng(4)
    bad = rng.poisson(
        2_000.0 * np.exp(0.3 * rng.standard_normal((30, 12)))[:, :, None].repeat(7, 2).reshape(30, 84)
    )
    names = tuple(f"busy-{row}" for row in range(30))
    history = DailyHistory(names, START, bad.astype(float), np.full(bad.shape, 2e6), np.ones(bad.shape))
    prior = ServicePrior.of(prior_from_days(history, learnt_at=START), "small")
    small = BaseKnowledge(bad=1.0, valid=21_000.0, days=7.0, dispersion=1.0, weeks=0.0)
    drawn = numbers()

    as_theirs = replace(prior, spread=WeeklySpread(prior.spread.at(14_000.0) - 1.0))
    found, blanket = (np.quantile(base_level(small, one, drawn), 0.92) for one in (prior, as_theirs))

    assert prior.spread.at(14_000.0) > 100.0
    assert weekly_dispersion(small, prior) < 3.0
    assert found < blanket / 2
