"""What is said of a service is what the numbers say, whatever the service is like."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from sloengine.application.recommendation.recommend_from_files import (
    RecommendFromFilesCommand,
    recommend_from_files,
)
from sloengine.cli.recommendation_shapes import recommendation_shape
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.memory.archetype_groups import GapGroups
from sloengine.infrastructure.memory.shapley_values import EnumeratedShapleyValues
from tests.domain.recommendation.organizations import BOUNDS, START, latency_history
from tests.sentences import assert_true

HOURS, HOUR = 90 * 24, timedelta(hours=1)
SETTINGS = EngineSettings(n_draws=400, explanation_draws=400)
CALLS = (
    ("front", "cart"), ("front", "search"), ("front", "dead"), ("cart", "db"), ("search", "db"),
    ("search", "newborn"),
    ("young", "db"), ("thin", "poor"), ("huge", "cart"), ("weekly", "poor"), ("db", "mail"),
)  # fmt: skip
DOUBLED = np.append(2.0 ** np.arange(0, 20) / 1000, np.inf)
"""1 ms to 524 s, of which none is a round figure in decimal."""


def organisation(seed: int) -> SliPanel:
    """Services as they are, and odd ones."""
    rng = np.random.default_rng(seed)
    rows: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def add(name: str, per_hour: float, base: float, outages: int, size: float = 0.4, days: float = 90) -> None:
        total = rng.poisson(per_hour, HOURS).astype(float)
        ratio = np.full(HOURS, base)
        for start in rng.integers(0, HOURS - 5, outages):
            ratio[start : start + rng.integers(1, 5)] = size * rng.random()
        total[: int((90 - days) * 24)] = np.nan
        seen = np.nan_to_num(total).astype(int)
        bad = rng.binomial(seen, ratio).astype(float)
        rows[name] = total, np.where(np.isnan(total), np.nan, bad)

    for name in ("front", "cart", "search", "db", "mail"):
        add(name, 2e4, 3e-5, int(rng.integers(0, 8)))
    add("clean", 5e3, 0.0, 0)
    add("idle", 0.0, 0.0, 0)
    add("newborn", 2e3, 1e-4, 1, days=1)
    add("hours", 2e3, 0.0, 0, days=1 / 24)
    add("young", 2e3, 1e-4, 1, days=12)
    add("dead", 1e3, 1.0, 0)
    add("poor", 1e3, 0.02, 30, size=1.0)
    add("thin", 0.4, 0.0, 0)
    add("huge", 1e9, 1e-7, 2)
    add("weekly", 3e4, 1e-3, 12, size=1.0)
    total, bad = (np.array([row[part] for row in rows.values()]) for part in (0, 1))
    return SliPanel(tuple(rows), START, HOUR, total - bad, total)


def latencies(seed: int) -> dict[str, LatencyHistory]:
    made: dict[str, tuple[int, float, tuple[int, ...], np.ndarray, int]] = {
        "front": (90, 0.04, (10, 40), BOUNDS, 4_000),
        "cart": (90, 1.3, (70,), BOUNDS, 4_000),
        "search": (90, 0.06, (12, 55, 80), DOUBLED, 4_000),
        "weekly": (90, 22.0, (3, 50), DOUBLED, 4_000),
        "db": (90, 0.004, (), DOUBLED, 4_000),
        "young": (90, 0.3, (5,), BOUNDS, 12),
        "slow": (90, 9.0, (30,), BOUNDS, 4_000),
        "newborn": (1, 0.1, (), BOUNDS, 4_000),
    }
    found = {}
    for place, (name, (days, median, slow, bounds, per_day)) in enumerate(made.items()):
        one = latency_history(
            days, seed=seed * 31 + place, median_seconds=median, slow_days=slow, bounds=bounds, per_day=per_day,
            service_id=name,
        )  # fmt: skip
        start = START + timedelta(days=90 - days)
        found[name] = LatencyHistory(name, start, one.bounds_seconds, one.counts)
    return found


def shapes(
    panel: SliPanel,
    latency: dict[str, LatencyHistory] | None = None,
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D,
    *,
    divided: bool = False,
) -> list[dict[str, Any]]:
    document = {"dependencies": [{"caller": one, "dependency": other} for one, other in CALLS]}
    answers = recommend_from_files(
        RecommendFromFilesCommand(
            document,
            panel,
            latency,
            panel.ends_at,
            window=window,
            settings=SETTINGS,
            shapley=EnumeratedShapleyValues(),
            grouping=GapGroups() if divided else None,
        )
    )
    return [recommendation_shape(one) for one in answers.results if isinstance(one, Recommendation)]


@pytest.mark.parametrize(
    ("seed", "window"),
    [
        (1, ComplianceWindow.ROLLING_28D),
        (2, ComplianceWindow.ROLLING_28D),
        (3, ComplianceWindow.ROLLING_7D),
        (4, ComplianceWindow.CALENDAR_QUARTER),
    ],
)
def test_every_sentence_of_every_service_is_what_its_numbers_say(seed: int, window: ComplianceWindow):
    found = shapes(organisation(seed), latencies(seed), window)

    assert len(found) >= 18
    assert all(one["explanation"] is not None for one in found if any(tier["targets"] for tier in one["tiers"]))
    for one in found:
        assert_true(one)


def test_so_it_is_where_kinds_of_services_are_told_apart():
    found = shapes(organisation(5), divided=True)

    for one in found:
        assert_true(one)


@pytest.mark.parametrize("services", [1, 2])
def test_so_it_is_in_an_organisation_of_one_or_two(services: int):
    panel = organisation(6)
    for name in ("cart", "clean", "newborn", "young"):
        alone = panel.select([name, "db"][:services])
        for one in shapes(alone):
            assert_true(one)
            if services == 1:
                assert "shipped" in one["dataQuality"]["archetype"]


def explained() -> dict[str, Any]:
    return next(one for one in shapes(organisation(1)) if one["service"]["serviceId"] == "cart")


def wrong_budget(one: dict[str, Any]) -> None:
    lead = next(tier for tier in one["tiers"] if tier["name"] == "BALANCED")["targets"][0]
    lead["errorBudget"]["minutes"] *= 1.02


def wrong_side(one: dict[str, Any]) -> None:
    one["explanation"]["summary"] = one["explanation"]["summary"].replace("tighter", "looser")


def wrong_counterfactual(one: dict[str, Any]) -> None:
    one["explanation"]["counterfactuals"][0]["resultingTarget"] -= 0.5


def wrong_probability(one: dict[str, Any]) -> None:
    for tier in one["tiers"]:
        tier["targets"][0]["probabilityMet"] -= 0.02


def another_claim(one: dict[str, Any]) -> None:
    one["summary"] += " It will hold."


@pytest.mark.parametrize(
    "wrong", [wrong_budget, wrong_side, wrong_counterfactual, wrong_probability, another_claim]
)
def test_a_sentence_that_says_something_else_is_found(wrong: Callable[[dict[str, Any]], None]):
    one = explained()
    changed = copy.deepcopy(one)

    wrong(changed)

    assert_true(one)
    with pytest.raises(AssertionError):
        assert_true(changed)
