from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.application.ports.divergence_store import DivergenceStore
from sloengine.application.ports.paging import PageRequest
from sloengine.domain.errors import Invalid
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import Divergence, DivergenceKind, Sighting
from tests.contracts.conftest import Stores
from tests.contracts.graph_samples import NOW, draw

MANUAL, OTEL = DiscoverySource.MANUAL, DiscoverySource.OTEL
HOUR = timedelta(hours=1)


@pytest.fixture
def store(stores: Stores) -> DivergenceStore:
    return stores.divergences


def divergence(name: str, caller: str = "a", dependency: str = "b", **what: object) -> Divergence:
    one = Divergence(name, DivergenceKind.DECLARED_ONLY, caller, dependency, (MANUAL,), (), NOW, "said")
    return replace(one, **what)


async def told(stores: Stores) -> list[tuple[str | None, object]]:
    events = await stores.outbox.pending(100)
    return [
        (event.service_id, event.payload["divergence"]) for event in events if event.kind == "DivergenceDetected"
    ]


async def test_claims_come_back_as_sightings_and_callers_with_both_kinds_are_known(
    stores: Stores, store: DivergenceStore
):
    await draw(stores.graph, "a->b", "x->y", source=MANUAL)
    await draw(stores.graph, "a->c", "p->q", source=OTEL)

    assert list(await store.callers()) == ["a"]
    found = await store.sightings(["a", "nobody"])
    assert set(found) == {"a"}
    assert sorted(found["a"], key=lambda one: one.dependency) == [
        Sighting("b", MANUAL, NOW, NOW),
        Sighting("c", OTEL, NOW, NOW),
    ]


async def test_a_divergence_is_told_of_once_changes_goes_and_comes_back(stores: Stores, store: DivergenceStore):
    await draw(stores.graph, "a->b", "a->c", "x->y")
    version = await stores.graph.version()
    one, other = divergence("d1"), divergence("d2", "x", "y")

    first = await store.replace(["a"], [one], now=NOW)
    elsewhere = await store.replace(["x"], [other], now=NOW + HOUR / 2)
    same = await store.replace(["a"], [replace(one, message="said otherwise")], now=NOW + HOUR)
    changed = await store.by_id(["d1", "nothing"])
    gone = await store.replace(["a"], [], now=NOW + 2 * HOUR)
    left = await store.by_id(["d1", "d2"])
    back = await store.replace(["a"], [one], now=NOW + 3 * HOUR)

    assert [list(ids) for ids in (first, elsewhere, same, gone, back)] == [["d1"], ["d2"], [], [], ["d1"]]
    assert changed == {"d1": replace(one, message="said otherwise")}
    assert left == {"d2": other}
    assert await told(stores) == [("a", "d1"), ("x", "d2"), ("a", "d1")]
    assert list(await store.callers()) == ["a", "x"]
    assert await stores.graph.version() == version


async def test_five_at_once_tell_once(stores: Stores, store: DivergenceStore):
    await draw(stores.graph, "a->b")

    found = await asyncio.gather(*(store.replace(["a"], [divergence("d1")], now=NOW) for _ in range(5)))

    assert sorted(len(ids) for ids in found) == [0, 0, 0, 0, 1]
    assert await told(stores) == [("a", "d1")]


async def test_the_list_pages_youngest_first(stores: Stores, store: DivergenceStore):
    await draw(stores.graph, *(f"a->b{number}" for number in range(4)))
    ages = [3, 1, 1, 2]
    every = [
        divergence(f"d{number}", dependency=f"b{number}", since=NOW - age * HOUR, observed_by=(OTEL,))
        for number, age in enumerate(ages)
    ]
    await store.replace(["a"], every, now=NOW)

    first = await store.page(PageRequest(3))
    rest = await store.page(PageRequest(3, first.cursors[-1]))

    assert [one.divergence_id for one in (*first.rows, *rest.rows)] == ["d1", "d2", "d3", "d0"]
    assert (first.has_next, rest.has_next, first.total_count) == (True, False, 4)
    assert rest.rows[0] == every[0]
    with pytest.raises(Invalid):
        await store.page(PageRequest(0))
