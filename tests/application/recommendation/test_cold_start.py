from __future__ import annotations

import numpy as np

from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.recommendation.recommend_from_files import (
    RecommendFromFilesCommand,
    graph_of_document,
    recommend_from_files,
)
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups
from sloengine.infrastructure.memory.archetype_groups import GapGroups
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import ADMIN, HOUR, NOW, Engine, edges, hourly_panel

FRONTS, STORES = [f"front-{i}" for i in range(9)], [f"store-{i}" for i in range(9)]
CALLS = edges(*(f"{front}>{store}" for front in FRONTS for store in STORES), protocol="postgresql")


def history(*, busy: str, young: tuple[str, ...] = ()) -> SliPanel:
    """Sixty days in which one half has an hour's trouble every fifth day; ten of them for the young ones."""
    names = (*FRONTS, *STORES, *young)
    shape = (len(names), 60 * 24)
    rng = np.random.default_rng(6)
    total = rng.poisson(4e3, shape).astype(float)
    failing = np.full(shape, 1e-5)
    for row, name in enumerate(names):
        if name.startswith(busy):
            failing[row, (row % 5) * 24 + 7 :: 120] = 0.3
    bad = rng.binomial(total.astype(int), failing)
    total[len(FRONTS) + len(STORES) :, : 50 * 24] = np.nan
    end = NOW.replace(minute=0, second=0, microsecond=0)
    return SliPanel(names, end - 60 * 24 * HOUR, HOUR, total - bad, total)


def offline(panel: SliPanel, service_id: str, *, kinds: bool = True) -> Recommendation:
    young_calls = edges(
        *(f"{front}>{one}" for front in FRONTS for one in panel.service_ids if "new" in one), protocol="mysql"
    )
    document = {"services": [], "dependencies": [*CALLS, *young_calls]}
    grouping = SilhouetteGroups() if kinds else None
    command = RecommendFromFilesCommand(document, panel, None, NOW, [service_id], grouping=grouping)
    [result] = recommend_from_files(command).results
    assert isinstance(result, Recommendation)
    return result


def balanced(recommendation: Recommendation) -> float:
    target = recommendation.tiers[1].targets[0].availability_ratio
    assert target is not None
    return target


def test_a_young_service_takes_the_prior_of_its_kind_and_says_which_and_how_much() -> None:
    found = offline(history(busy="store", young=("new-store",)), "new-store")

    quality = found.data_quality
    assert quality.cold_start
    assert str(quality.archetype).startswith("data stores")
    assert str(quality.archetype).endswith("(9 others)")
    assert quality.archetype_weight is not None
    assert 0.5 < quality.archetype_weight < 1
    assert any("is taken from data stores" in warning for warning in quality.warnings)
    assert found.review_at is not None
    assert found.confidence <= 0.5


def test_what_its_kind_has_suffered_costs_a_young_service_and_what_the_others_have_does_not() -> None:
    of_troubled_kind = offline(history(busy="store", young=("new-store",)), "new-store")
    of_calm_kind = offline(history(busy="front", young=("new-store",)), "new-store")
    of_no_kind = offline(history(busy="store", young=("new-store",)), "new-store", kinds=False)

    assert balanced(of_troubled_kind) < balanced(of_no_kind) < balanced(of_calm_kind)


def test_external_providers_are_a_kind_of_their_own() -> None:
    panel = history(busy="store")
    services = [{"serviceId": "store-8", "external": True}, {"serviceId": "store-7", "external": True}]
    graph, _ = graph_of_document({"services": services, "dependencies": CALLS}, set(), NOW)

    found = learn_archetypes(graph, panel, {}, GapGroups(), as_of=NOW)

    assert found.name_of("store-8") == "external providers with many callers (1 other)"
    assert found.assigned["store-7"] == found.assigned["store-8"] != found.assigned["store-0"]
    assert found.assigned["store-0"] != found.assigned["front-0"]


def test_one_service_alone_has_the_shipped_prior_by_name() -> None:
    found = offline(hourly_panel("alone", days=10), "alone")

    assert found.data_quality.archetype == shipped_prior.NAME
    assert found.confidence <= 0.3


async def test_the_engine_learns_kinds_with_the_priors_and_a_newcomer_is_assigned_at_once() -> None:
    panel = history(busy="store", young=("new-store",))
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(services=[{"serviceId": one} for one in (*FRONTS, *STORES)], dependencies=CALLS)
    await engine.aggregate()
    stored = await engine.stores.priors.load(SliType.AVAILABILITY)
    await engine.ingest(
        services=[{"serviceId": "new-store"}],
        dependencies=edges(*(f"{front}>new-store" for front in FRONTS), protocol="postgresql"),
    )
    await engine.history.write(panel.select(["new-store"]))

    [found] = await engine.use.recommend(
        RecommendCommand(["new-store"], sli_types=[SliType.AVAILABILITY]), actor=ADMIN
    )

    assert stored is not None
    assert "new-store" not in stored[0]["archetypes"]["assigned"]
    assert isinstance(found, Recommendation)
    assert str(found.data_quality.archetype).startswith("data stores")


def with_a_gap(*, recent_days: int, older_days: int) -> SliPanel:
    """One service: some days half a year ago, nothing since, then the last few."""
    panel = hourly_panel("back-again", days=200)
    total, good = panel.total.copy(), panel.good.copy()
    total[:, older_days * 24 : -recent_days * 24] = np.nan
    good[:, older_days * 24 : -recent_days * 24] = np.nan
    return SliPanel(panel.service_ids, panel.start_at, panel.step, good, total)


def test_with_few_recent_days_older_ones_are_looked_at_and_the_service_stays_a_young_one() -> None:
    found = offline(with_a_gap(recent_days=20, older_days=60), "back-again").data_quality

    assert round(found.days_of_history) == 80
    assert found.cold_start
    assert any("only 20 days of the last 90 days have data" in warning for warning in found.warnings)


def test_with_enough_recent_days_older_ones_are_left_alone() -> None:
    found = offline(with_a_gap(recent_days=40, older_days=60), "back-again").data_quality

    assert round(found.days_of_history) == 40
    assert not found.cold_start


async def test_the_engine_reads_a_year_of_those_with_few_recent_days() -> None:
    engine = Engine()
    await engine.ingest(services=[{"serviceId": "back-again"}])
    await engine.use.load_sli(LoadSliCommand(with_a_gap(recent_days=20, older_days=60)), actor=ADMIN)

    [found] = await engine.use.recommend(
        RecommendCommand(["back-again"], sli_types=[SliType.AVAILABILITY]), actor=ADMIN
    )

    assert isinstance(found, Recommendation)
    assert round(found.data_quality.days_of_history) == 80
    assert found.data_quality.cold_start
