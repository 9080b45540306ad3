"""Slow spells that many services had together: one observation, and those not had yet are expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.domain.recommendation.incident_rate import RateKnowledge
from sloengine.domain.recommendation.latency_days import FACTORS, describe_days
from sloengine.domain.recommendation.latency_numbers import LatencyNumbers
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.latency_spells import (
    SHIPPED_EXCESS_DAYS,
    SHIPPED_EXCESS_LOG_SD,
    SlowSpells,
    spell_counts,
    window_tails,
)

N, WINDOW = 20_000, 28.0
BOUNDS = np.r_[np.geomspace(0.01, 10.0, 40), np.inf]


@pytest.fixture(scope="module")
def numbers():
    counts = np.zeros((30, len(BOUNDS)))
    counts[:, 10:16] = 1_000.0
    days = describe_days(BOUNDS, counts, np.arange(30) + 0.5)
    return LatencyNumbers.of(days, np.random.default_rng(1), N, WINDOW)


def organisation(independent, *, services=40, excess_days=2.0):
    """One spell each, all of the same shape; worth so many independent ones."""
    names = tuple(f"s{i}" for i in range(services))
    shapes = np.full((services, len(FACTORS)), excess_days)
    return replace(
        LatencyPrior.shipped(),
        service_ids=names,
        episodes=np.ones(services),
        days=np.full(services, 30.0),
        shapes=shapes,
        owner=np.arange(services),
        independent_starts=independent,
    )


def excess_at_most(numbers, prior):
    """Of windows with one spell each: what it adds to the tail at 64 times the base p95, in days."""
    spells = SlowSpells(RateKnowledge(prior.rate_weights, 0.0, 30.0), np.zeros((0, len(FACTORS))), 0.0, False)
    tails = window_tails(np.ones(N, np.int64), spells, prior, "another", numbers, WINDOW)
    return (tails.tails[:, -1] - numbers.base_tail[:, -1]) * WINDOW


@pytest.mark.parametrize("independent", [1.0, 5.0, 40.0])
def test_peers_spells_are_believed_as_independent_ones(numbers, independent):
    """All last two days at any multiple; a shipped one adds next to nothing at 64 times the base p95."""
    added = excess_at_most(numbers, organisation(independent, excess_days=2.0))

    assert (added > 0.4).mean() == pytest.approx(independent / (independent + 5.0), abs=0.03 + 0.02 / independent)


def test_other_spells_are_drawn_to_the_length_of_the_peers(numbers):
    """A normal law's mean, of the logarithms, with a normal prior worth five."""
    prior = organisation(5.0, excess_days=2.0)
    added = excess_at_most(numbers, prior)

    rest = added[added < 0.4]
    median = np.sqrt(2.0 * SHIPPED_EXCESS_DAYS) * FACTORS[-1] ** -0.7
    assert np.median(rest) == pytest.approx(median, rel=0.15)
    spread = np.hypot(SHIPPED_EXCESS_LOG_SD, SHIPPED_EXCESS_LOG_SD / np.sqrt(10.0))
    assert np.std(np.log(rest)) == pytest.approx(spread, rel=0.1)


def test_nobody_seen_is_the_shipped_spell(numbers):
    added = excess_at_most(numbers, LatencyPrior.shipped())

    assert np.median(added) == pytest.approx(SHIPPED_EXCESS_DAYS * FACTORS[-1] ** -0.7, rel=0.05)


def test_spells_of_a_kind_not_had_yet_are_expected_once_in_240_days_and_those_seen(numbers):
    """However many services have no record of any."""
    never = np.zeros_like(LatencyPrior.shipped().rate_weights)
    never[0] = 1.0
    prior = replace(organisation(0.0), rate_weights=never)
    spells = SlowSpells(RateKnowledge(never, 0.0, 30.0), np.zeros((0, len(FACTORS))), 0.0, False)

    count = spell_counts(spells, prior, numbers, WINDOW)

    assert (count > 0).mean() == pytest.approx(WINDOW / (WINDOW + 240.0 + 30.0), abs=0.02)
