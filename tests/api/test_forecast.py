from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.panel import SliPanel
from tests.api.door import Door

FIELDS = (
    "{ probabilityBudgetExhausted expectedExhaustionAt horizonEnd method consumedRatio "
    "consumedAtMost { probability consumedRatio } }"
)


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
    assert by_id["checkout"]["consumedRatio"] == pytest.approx(2.0)
    assert by_id["checkout"]["consumedAtMost"] == []
    assert by_id["ads"] is None


async def test_a_forecast_says_how_much_will_have_been_spent_at_most(door: Door):
    await door.add_services("checkout")
    hours = 28 * 24
    total = np.full((1, hours), 10.0)  # so few a day that a forecast is given out
    good = total.copy()
    good[0, -30] = 9.0
    await door.history.write(
        SliPanel(("checkout",), door.clock.now() - timedelta(hours=hours), timedelta(hours=1), good, total)
    )
    await door.fresh_telemetry()
    await door.decide("checkout")

    answer = await door.ask(f"{{ services {{ nodes {{ forecast(sliType: AVAILABILITY) {FIELDS} }} }} }}")

    told = answer["services"]["nodes"][0]["forecast"]
    # One has failed where 0.05 % of 6,720 may.
    assert told["consumedRatio"] == pytest.approx(1 / 3.36)
    bounds = [one["consumedRatio"] for one in told["consumedAtMost"]]
    assert [one["probability"] for one in told["consumedAtMost"]] == [0.5, 0.8, 0.9, 0.95]
    assert told["consumedRatio"] <= bounds[0]
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1]
    lasts = 1 - told["probabilityBudgetExhausted"]
    assert [one["consumedRatio"] > 1 for one in told["consumedAtMost"]] == [
        one["probability"] > lasts for one in told["consumedAtMost"]
    ]


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
