from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.domain.errors import Conflict, Invalid
from sloengine.domain.journeys.model import Journey, JourneyRoute
from tests.contracts.conftest import Stores
from tests.contracts.graph_samples import NOW, draw

BUY = Journey(
    "journey-1",
    "buy",
    ("web", "app"),
    (JourneyRoute("card", 3.0, ("web", "pay", "bank")), JourneyRoute("voucher", 1.0, ("web", "voucher"))),
    "user:ada",
    NOW,
    "user:ada",
    NOW,
)
LATER = NOW + timedelta(days=1)


async def services(stores: Stores) -> None:
    await draw(stores.graph, "web->pay", "pay->bank", "web->voucher", "app->pay")


async def test_a_journey_comes_back_as_it_was_saved(stores: Stores):
    await services(stores)

    stored = await stores.journeys.save(BUY)

    assert stored == BUY
    assert await stores.journeys.by_name(["buy", "nothing"]) == {"buy": BUY}
    assert await stores.journeys.by_id(["journey-1", "journey-2"]) == {"journey-1": BUY}


async def test_saving_a_name_again_replaces_all_but_its_id_and_beginnings(stores: Stores):
    await services(stores)
    await stores.journeys.save(BUY)
    changed = Journey("journey-2", "buy", ("app",), (), "user:bob", LATER, "user:bob", LATER)

    stored = await stores.journeys.save(changed, replacing=BUY)

    assert stored == replace(changed, journey_id="journey-1", created_by="user:ada", created_at=NOW)
    assert list(await stores.journeys.every(10)) == [stored]


async def test_of_five_who_take_one_new_name_at_once_one_gets_it_and_four_are_told(stores: Stores):
    await services(stores)
    wished = [
        replace(BUY, journey_id=f"j{n}", entry_points=("app",) if n % 2 else ("web",), updated_by=f"user:{n}")
        for n in range(5)
    ]

    answers = await asyncio.gather(*(stores.journeys.save(one) for one in wished), return_exceptions=True)

    stored = [one for one in answers if isinstance(one, Journey)]
    assert sum(isinstance(one, Conflict) for one in answers) == 4
    assert list(await stores.journeys.every(10)) == stored


@pytest.mark.parametrize(
    "meanwhile", [{"entry_points": ("web",)}, {"updated_at": LATER}, {"journey_id": "journey-9"}], ids=str
)
async def test_a_journey_that_was_changed_since_it_was_read_is_not_overwritten(stores: Stores, meanwhile: Any):
    await services(stores)
    now = await stores.journeys.save(replace(BUY, **meanwhile))

    with pytest.raises(Conflict):
        await stores.journeys.save(replace(BUY, routes=(), updated_by="user:bob"), replacing=BUY)
    with pytest.raises(Conflict):
        await stores.journeys.save(replace(BUY, journey_id="journey-2"))

    assert list(await stores.journeys.every(10)) == [now]


async def test_a_journey_that_was_deleted_since_it_was_read_does_not_come_back(stores: Stores):
    await services(stores)
    await stores.journeys.save(BUY)
    await stores.journeys.delete("journey-1")

    with pytest.raises(Conflict):
        await stores.journeys.save(replace(BUY, journey_id="journey-2"), replacing=BUY)

    assert list(await stores.journeys.every(10)) == []


async def test_deleting_takes_one_and_says_which(stores: Stores):
    await services(stores)
    await stores.journeys.save(BUY)
    other = await stores.journeys.save(replace(BUY, journey_id="journey-2", name="look", routes=()))

    gone = await stores.journeys.delete("journey-1")
    again = await stores.journeys.delete("journey-1")

    assert (gone, again) == (BUY, None)
    assert list(await stores.journeys.every(10)) == [other]


async def test_pages_follow_names(stores: Stores):
    await services(stores)
    for name in ("c", "a", "b"):
        await stores.journeys.save(replace(BUY, journey_id=f"id-{name}", name=name))

    first = await stores.journeys.page(PageRequest(first=2))
    second = await stores.journeys.page(PageRequest(first=2, after=first.cursors[-1]))

    assert [one.name for one in first.rows] == ["a", "b"]
    assert (first.has_next, first.total_count) == (True, 3)
    assert [one.name for one in second.rows] == ["c"]
    assert (second.has_next, second.total_count) == (False, 3)
    assert [one.name for one in await stores.journeys.every(2)] == ["a", "b"]
    with pytest.raises(Invalid):
        await stores.journeys.page(PageRequest(after="not one"))


async def test_several_journeys_are_saved_together_in_their_order(stores: Stores):
    await services(stores)
    await stores.journeys.save(BUY)
    look = replace(BUY, journey_id="journey-2", name="a look", routes=())
    again = replace(BUY, journey_id="journey-3", entry_points=("app",), updated_at=LATER)

    stored = await stores.journeys.save_all([(again, BUY), (look, None)])

    assert [one.name for one in stored] == ["buy", "a look"]
    assert stored[0] == replace(again, journey_id="journey-1")
    assert list(await stores.journeys.every(10)) == [look, stored[0]]


async def test_where_one_of_several_was_changed_meanwhile_none_is_saved(stores: Stores):
    await services(stores)
    await stores.journeys.save(BUY)
    fresh = replace(BUY, journey_id="journey-2", name="a fresh one")
    late = replace(BUY, journey_id="journey-3", updated_at=LATER)

    with pytest.raises(Conflict, match="buy"):
        await stores.journeys.save_all([(fresh, None), (late, None)])

    assert list(await stores.journeys.every(10)) == [BUY]
