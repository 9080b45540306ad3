"""What a young service takes from its kind, computed again step by step with nothing of the engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.recommend import recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from tests.application.recommendation.test_cold_start import FRONTS, STORES, history, offline
from tests.domain.recommendation.organizations import START, latency_history

GRID = [math.exp(math.log(1 / 3000) + step / 71 * math.log(3000)) for step in range(72)]
"""Incidents a day, from one in 3,000 days to one a day."""


def normal(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]


def days_of(panel: SliPanel, name: str) -> list[tuple[float, float]]:
    """Failed and all requests of each day with data, oldest first."""
    row = panel.rows[name]
    found = []
    for first in range(0, panel.total.shape[1], 24):
        total = panel.total[row, first : first + 24]
        if not math.isnan(total[0]):
            found.append((float(total.sum() - panel.good[row, first : first + 24].sum()), float(total.sum())))
    return found


def seen(panel: SliPanel, name: str, half_life: float) -> tuple[float, float]:
    """Incidents and days, those of long ago counting less: half after the half-life.

    An incident day fails ten times what the middle one does, at least 1 in 1,000 and two requests; days in a row
    are one incident, as old as its first day.
    """
    days = days_of(panel, name)
    ratios = sorted(bad / valid for bad, valid in days)
    middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
    least = max(1e-3, min(10 * middle, 0.5 + middle / 2))
    incidents = whole = 0.0
    before = False
    for position, (bad, valid) in enumerate(days):
        weight = 0.5 ** ((len(days) - position - 0.5) / half_life)
        whole += weight
        fails = bad / valid > least and bad >= 2
        incidents += weight if fails and not before else 0.0
        before = fails
    return incidents, whole


def likelihood(incidents: float, days: float) -> list[float]:
    logs = [incidents * math.log(rate) - days * rate for rate in GRID]
    return [math.exp(one - max(logs)) for one in logs]


def posterior(prior: Sequence[float], incidents: float, days: float) -> list[float]:
    return normal([a * b for a, b in zip(prior, likelihood(incidents, days), strict=True)])


def mixture(services: Sequence[tuple[float, float]], start: Sequence[float], counts_as: float) -> list[float]:
    """Thirty rounds of expectation and maximisation, the start counting as so many services."""
    weights = list(start)
    for _ in range(30):
        shares = [posterior(weights, *one) for one in services]
        weights = normal([counts_as * start[at] + sum(one[at] for one in shares) for at in range(len(GRID))])
    return weights


def credibility(groups: Sequence[Sequence[float]]) -> float:
    """Bühlmann's k: variance within groups over variance between them, by one-way analysis."""
    total = sum(len(group) for group in groups)
    means = [sum(group) / len(group) for group in groups]
    overall = sum(sum(group) for group in groups) / total
    within = sum((one - mean) ** 2 for group, mean in zip(groups, means, strict=True) for one in group)
    within /= total - len(groups)
    between = sum(len(group) * (mean - overall) ** 2 for group, mean in zip(groups, means, strict=True))
    between /= len(groups) - 1
    typical = (total - sum(len(group) ** 2 for group in groups) / total) / (len(groups) - 1)
    return max(2.0, within / ((between - within) / typical))


def by_hand(panel: SliPanel, name: str) -> float:
    """Share of the estimate of how often a young store fails that comes from the other stores."""
    peers = {one: seen(panel, one, 240.0) for one in (*FRONTS, *STORES)}
    young = seen(panel, name, 240.0)
    shipped = normal([math.exp(-0.5 * ((math.log(rate) - math.log(1 / 35)) / 1.2) ** 2) for rate in GRID])
    ours = mixture([*peers.values(), young], shipped, 5.0)

    def middle_log(one: tuple[float, float]) -> float:
        return sum(weight * math.log(rate) for weight, rate in zip(posterior(ours, *one), GRID, strict=True))

    k = credibility([[middle_log(peers[one]) for one in kind] for kind in (FRONTS, STORES)])
    share = len(STORES) / (len(STORES) + k)
    # The organisation's mixture without the young one, then that of its kind, in which the first counts as k.
    own = posterior(ours, *young)
    others = normal([(19 + 5) * weight - mine for weight, mine in zip(ours, own, strict=True)])
    alike = mixture([peers[one] for one in STORES], ours, k)
    prior = normal([max(1e-300, (9 + k) * a - k * (w - o)) for a, w, o in zip(alike, ours, others, strict=True)])
    mean = sum(weight * rate for weight, rate in zip(prior, GRID, strict=True))
    variance = sum(weight * (rate - mean) ** 2 for weight, rate in zip(prior, GRID, strict=True))
    days = seen(panel, name, 60.0)[1]
    return (1 - days / (days + mean / variance)) * share


@pytest.mark.parametrize("busy", ["store", "front"])
def test_the_weight_of_the_archetype_is_what_its_members_are_believed_with(busy: str):
    """(1 - own share) n / (n + k), from the raw hours: incidents, mixture, k and own days computed anew."""
    panel = history(busy=busy, young=("new-store",))

    found = offline(panel, "new-store").data_quality

    assert found.archetype_weight == pytest.approx(by_hand(panel, "new-store"), rel=1e-6)
    [said] = [text for text in found.warnings if "is taken from data stores" in text]
    assert said.startswith(f"of how often it fails, {100 * found.archetype_weight:.0f}")


def test_a_young_service_is_looked_at_again_a_fortnight_later_and_an_old_one_is_not():
    """The answer of a cold start is good for 14 days, and that is when to look again."""
    panel = history(busy="store", young=("new-store",))

    young, old = offline(panel, "new-store"), offline(panel, "store-0")

    assert isinstance(young, Recommendation)
    assert young.data_quality.cold_start
    assert young.review_at == young.generated_at + timedelta(days=14) == young.expires_at
    assert not old.data_quality.cold_start
    assert old.review_at is None


@pytest.mark.parametrize("days", [9, 29, 30, 45])
def test_so_it_is_with_latency(days: int):
    """Days are counted from the histograms themselves; from the thirtieth on nobody needs to look again."""
    measured = latency_history(days)
    as_of = START + timedelta(days=days)
    known = sum(bool(counts.sum() > 0) for counts in measured.counts)
    request = LatencyRequest("service-0", ComplianceWindow.ROLLING_28D, as_of, measured, as_of)

    found = recommend_latency(request, LatencyPrior.shipped(), EngineSettings(n_latency_draws=400))

    assert isinstance(found, Recommendation)
    assert found.data_quality.days_of_history == pytest.approx(known)
    assert found.data_quality.cold_start == (known < 30)
    assert found.expires_at == as_of + timedelta(days=14)
    assert found.review_at == (found.expires_at if known < 30 else None)
