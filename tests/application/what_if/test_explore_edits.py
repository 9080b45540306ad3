from __future__ import annotations

import numpy as np
import pytest

from sloengine.application.recommendation.recommend import RecommendCommand
from sloengine.application.what_if.explore_edits import ExploreEditsCommand
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.what_if.edits import AddCache, AddFallback, Cut, Improve, Soften
from tests.application.impact.test_analyse_impact import DAY, TOP, organisation, watch
from tests.application.organisation import ADMIN, VIEWER

BALANCED = TierName.BALANCED


async def asked(engine, edits, focus=("checkout",)):
    return await engine.use.explore_edits(ExploreEditsCommand(edits, focus), actor=VIEWER)


async def with_latency():
    engine = await organisation(store=2, cart=2.5, checkout=5)
    bounds = np.array([0.05, 0.1, 0.2, 0.4, 0.8, np.inf])
    shapes = {"store": [0, 100, 5, 0, 0, 0], "cart": [0, 0, 100, 5, 0, 0], "checkout": [0, 0, 0, 100, 5, 0]}
    start = TOP.replace(hour=0) - 60 * DAY
    await engine.history.write_latency(
        [LatencyHistory(name, start, bounds, np.array([row] * 60, float) * 1e4) for name, row in shapes.items()]
    )
    return engine


async def test_tiers_before_and_after_of_the_services_in_focus():
    engine = await organisation(store=2, cart=2.5, checkout=5)

    found = await asked(engine, [Cut("checkout", "store"), Soften("cart", "store")], ("checkout", "cart"))

    rows = {(row.service_id, row.tier): row for row in found.focus if row.kind is ObjectiveKind.AVAILABILITY}
    assert {service for service, _ in rows} == {"checkout", "cart"}
    assert rows["checkout", BALANCED].after > rows["checkout", BALANCED].before
    assert rows["cart", BALANCED].after > rows["cart", BALANCED].before
    assert [one.budget_minutes_gained > 0.0 for one in found.edits] == [False, True]
    assert found.budget_minutes_gained > found.edits[1].budget_minutes_gained
    assert "checkout availability from" in found.summary


async def test_before_is_what_is_recommended():
    engine = await organisation(store=2, cart=2.5, checkout=5)
    found = await asked(engine, [Cut("checkout", "store")])

    [recommended] = await engine.use.recommend(RecommendCommand(["checkout"], [SliType.AVAILABILITY]), actor=ADMIN)
    before = {row.tier: row.before for row in found.focus if row.kind is ObjectiveKind.AVAILABILITY}
    assert before == {
        tier.name: tier.targets[0].availability_ratio if tier.targets else None for tier in recommended.tiers
    }


async def test_nothing_is_stored():
    engine = await with_latency()
    await asked(engine, [Cut("cart", "store")])
    before = repr(engine.db.__dict__)  # a copy's sets may come in another order

    await asked(engine, [Improve("store", latency_scale=0.5), AddCache("cart", "store", 0.9)])

    assert repr(engine.db.__dict__) == before


async def test_latency_is_told_at_best():
    engine = await with_latency()

    found = await asked(engine, [Improve("store", latency_scale=0.5)])

    rows = {row.kind: row for row in found.focus if row.tier is BALANCED}
    assert rows[ObjectiveKind.LATENCY_P95].after <= rows[ObjectiveKind.LATENCY_P95].before
    assert "at best" in rows[ObjectiveKind.LATENCY_P95].note


async def test_a_fallback_that_is_a_service_brings_its_own_failures():
    engine = await organisation(store=2, cart=2.5, checkout=5)
    await engine.ingest(
        services=[{"serviceId": "spare"}], dependencies=[{"caller": "spare", "dependency": "store"}]
    )
    await watch(engine, store=2, cart=2.5, checkout=5)

    independent = await asked(engine, [AddFallback("cart", "store", availability_ratio=0.999)], ("cart",))
    same_store = await asked(engine, [AddFallback("cart", "store", fallback="spare")], ("cart",))

    assert independent.budget_minutes_gained > 1.0
    # The spare needs the same store, so that hardly anything is gained.
    assert same_store.budget_minutes_gained < 0.1 * independent.budget_minutes_gained


@pytest.mark.parametrize(
    ("edits", "focus", "error", "path"),
    [
        ([], ["checkout"], Invalid, ("edits",)),
        ([Cut("cart", "nobody")], ["checkout"], ServiceNotFound, ("edits", "0", "cut", "dependency")),
        ([Cut("cart", "store")], [], Invalid, ("focus",)),
        ([Cut("cart", "store")], ["nobody"], ServiceNotFound, ("focus", "0")),
        ([Cut("cart", "store")], ["cart"] * 21, TooLarge, ("focus",)),
    ],
)
async def test_what_cannot_be_is_refused_by_field(edits, focus, error, path):
    engine = await organisation()

    with pytest.raises(error) as refused:
        await asked(engine, edits, focus)

    assert refused.value.path == path


async def test_services_without_telemetry_have_no_target_and_a_reason():
    engine = await organisation()
    await engine.ingest(services=[{"serviceId": "new"}], dependencies=[{"caller": "new", "dependency": "store"}])

    found = await asked(engine, [Soften("new", "store")], ("new",))

    assert {(row.before, row.after) for row in found.focus} == {(None, None)}
    assert all(row.note for row in found.focus)
