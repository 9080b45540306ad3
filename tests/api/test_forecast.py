from __future__ import annotations

import pytest

from tests.api.door import Door

FIELDS = "{ probabilityBudgetExhausted expectedExhaustionAt horizonEnd method }"


async def test_a_forecast_says_how_probable_by_when_and_how(door: Door):
    await door.add_services("checkout", "ads")
    await door.add_availability("checkout", "ads", hours=28 * 24)
    await door.decide("checkout")

    answer = await door.ask(f"{{ services {{ nodes {{ serviceId forecast(sliType: AVAILABILITY) {FIELDS} }} }} }}")

    by_id = {node["serviceId"]: node["forecast"] for node in answer["services"]["nodes"]}
    # One in 1,000 fails where half of that may: it is spent already.
    assert by_id["checkout"]["probabilityBudgetExhausted"] == 1.0
    assert by_id["checkout"]["expectedExhaustionAt"] is not None
    assert by_id["checkout"]["method"].startswith("counted")
    assert by_id["ads"] is None


@pytest.mark.parametrize("count", [1, 50])
async def test_fifty_services_cost_as_many_reads_as_one(door: Door, count: int):
    names = [f"s{number:02}" for number in range(count)]
    await door.add_services(*names)
    await door.add_availability(*names)
    for name in names:
        await door.decide(name)
    door.counts.clear()

    answer = await door.ask(
        f"{{ services(first: 50) {{ nodes {{ forecast(sliType: AVAILABILITY) {FIELDS} }} }} }}"
    )

    assert all(node["forecast"] is not None for node in answer["services"]["nodes"])
    assert door.counts["MemorySliHistory.read"] == 1
    assert door.counts["MemorySloLedger.active"] == 1
    assert door.counts["MemoryForecastStore.learnt"] == 1


async def test_where_there_is_none_the_reason_is_told_by_the_same_work(door: Door):
    await door.add_services("checkout", "ads")
    await door.add_availability("checkout", "ads", hours=28 * 24)
    await door.decide("checkout")
    door.counts.clear()

    answer = await door.ask(
        f"{{ services {{ nodes {{ serviceId forecast(sliType: AVAILABILITY) {FIELDS} "
        "noForecastReason(sliType: AVAILABILITY) latency: noForecastReason(sliType: LATENCY) } } }"
    )

    reasons = {node["serviceId"]: node["noForecastReason"] for node in answer["services"]["nodes"]}
    assert reasons == {"checkout": None, "ads": "NO_SLO"}
    assert {node["latency"] for node in answer["services"]["nodes"]} == {"LATENCY"}
    assert door.counts["MemorySliHistory.read"] == 1


async def test_latency_is_not_forecast(door: Door):
    await door.add_services("checkout")

    answer = await door.ask(f"{{ services {{ nodes {{ forecast(sliType: LATENCY) {FIELDS} }} }} }}")

    assert answer["services"]["nodes"] == [{"forecast": None}]
