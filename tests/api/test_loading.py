"""As many calls of a store for fifty services as for one."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

from tests.api.door import Door

NESTED = """query($first: Int) { services(first: $first) { nodes {
  name
  supernode { cyclePath members { name } }
  dependencies { nodes { dependency { name team } claims { source } } }
  callers { nodes { caller { name } } }
  availability: recommendation(sliType: AVAILABILITY) { ... on Recommendation { summary service { name }
    tiers { targets { limitedBy { service { team } } } } } }
  recommendations(first: 2) { totalCount nodes { id status } }
  activeSlo(sliType: AVAILABILITY) { targets { availabilityPercent } recommendation { summary } service { name } }
  auditLog(first: 2) { nodes { sequence service { name } recommendation { id } } }
  sli(type: AVAILABILITY, window: LAST_1D) { ratio }
  sliSeries(type: AVAILABILITY, from: "2026-03-02T00:00:00Z", to: "2026-03-02T06:00:00Z") { ratio }
} } }"""


async def fill(door: Door, count: int) -> None:
    ids = [f"s{n:02}" for n in range(count)]
    await door.draw(*(f"{one}->shared" for one in ids))
    await door.add_services("orders-db", "shared")
    await door.add_availability(*ids)
    for one in ids:
        stored = await door.add_recommendation(one)
        await door.decide(one, stored.recommendation_id)
    await door.add_cycle(*ids[:2], "shared")


async def counted(door: Door, first: int) -> Counter[str]:
    door.counts.clear()
    answer = await door.ask(NESTED, first=first)
    assert len(answer["services"]["nodes"]) == first
    return Counter(door.counts)


async def test_fifty_services_take_as_many_calls_as_two(door: Door):
    await fill(door, 50)
    await counted(door, 50)  # fills the cache, so that both measurements read it

    few = await counted(door, 2)
    many = await counted(door, 50)

    assert many == few
    assert max(many.values()) <= 3, many


async def test_the_answer_is_the_same_whoever_else_is_asked_for(door: Door):
    await fill(door, 50)

    many = (await door.ask(NESTED, first=50))["services"]["nodes"]
    few = (await door.ask(NESTED, first=2))["services"]["nodes"]

    assert many[:2] == few
    assert few[1]["sli"]["ratio"] == 0.999
    assert few[1]["sliSeries"][0]["ratio"] == 0.999
    assert few[1]["activeSlo"]["recommendation"]["summary"]
    assert few[1]["auditLog"]["nodes"][0]["sequence"] == 1
    assert few[1]["recommendations"]["totalCount"] == 1


async def test_a_cached_recommendation_takes_one_call_of_the_cache_and_none_of_the_graph(door: Door):
    await door.add_services("checkout")
    await door.cache_recommendation("checkout")
    await door.fresh_telemetry()
    query = """query($id: String!, $type: SliType!) { service(by: { serviceId: $id }) { id serviceId
      recommendation(sliType: $type) { ... on Recommendation { summary service { serviceId }
        bound { contributions { service { id } } } } } } }"""
    await door.ask(query, id="checkout", type="AVAILABILITY")  # the watermark is remembered for seconds
    door.counts.clear()

    found = await door.ask(query, id="checkout", type="AVAILABILITY")

    assert found["service"]["recommendation"]["service"]["serviceId"] == "checkout"
    assert door.counts == {"MemoryRecommendationCache.get": 1}


async def test_an_answer_leaves_nothing_behind_that_only_the_garbage_collector_can_free(door: Door):
    await fill(door, 3)
    await door.ask(NESTED, first=3)

    gc.collect()
    gc.disable()
    try:
        await door.ask(NESTED, first=3)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    own = ("graphql.", "strawberry.", "sloengine.")
    assert {name: count for name, count in left.items() if name.startswith(own)} == {}


@pytest.mark.parametrize("more", ["name", "...F", "... on Service { name }", "... on Node { ...F }"])
async def test_the_graph_is_read_when_more_than_the_id_is_asked(door: Door, more: str):
    await door.add_services("checkout", name="Checkout")
    await door.cache_recommendation("checkout")
    fragment = "fragment F on Service { name }" if "...F" in more else ""
    query = f"""{{ service(by: {{ serviceId: "checkout" }}) {{
      {more} recommendation(sliType: AVAILABILITY) {{ __typename }} }} }} {fragment}"""

    found = await door.ask(query)

    assert found["service"]["name"] == "Checkout"
    assert door.counts["MemoryServiceGraph.services"] == 1


async def test_a_service_that_does_not_exist_is_null_even_when_only_its_recommendation_is_asked(door: Door):
    query = '{ service(by: { serviceId: "nowhere" }) { recommendation(sliType: LATENCY) { __typename } } }'

    assert await door.ask(query) == {"service": None}


async def test_a_service_that_exists_and_was_never_asked_about_says_so(door: Door):
    await door.add_services("newborn")
    query = """{ service(by: { serviceId: "newborn" }) { recommendation(sliType: LATENCY) {
      ... on RecommendationUnavailable { serviceId sliType reason message since } } } }"""

    answer = (await door.ask(query))["service"]["recommendation"]

    assert (answer["serviceId"], answer["sliType"], answer["reason"]) == ("newborn", "LATENCY", "NO_DATA")
    assert "generateRecommendations" in answer["message"]
