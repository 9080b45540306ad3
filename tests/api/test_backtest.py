from __future__ import annotations

from tests.api.door import Door

QUERY = """query Replay($service: String!, $objective: ObjectiveInput!) {
  backtest(serviceId: $service, objective: $objective) {
    windows met worst { from to availabilityPercent thresholdMs met budgetRemaining } series { to met }
    alerts { severity longWindow at until } worstByLength { window availabilityPercent thresholdMs from } notes
  } }"""


async def test_any_objective_is_replayed(door: Door):
    await door.add_services("checkout")
    await door.add_availability("checkout", hours=24 * 60)

    found = await door.ask(
        QUERY, service="checkout", objective={"kind": "AVAILABILITY", "availabilityPercent": 99.9}
    )

    replay = found["backtest"]
    assert (replay["windows"], replay["met"]) == (2, 2)
    assert replay["worst"]["availabilityPercent"] == 99.9
    assert [worst["window"] for worst in replay["worstByLength"]] == ["1h", "6h", "1d", "3d", "7d", "28d"]
    assert {worst["availabilityPercent"] for worst in replay["worstByLength"]} == {99.9}
    assert [alert["longWindow"] for alert in replay["alerts"]] == ["3d"]
    assert len(replay["series"]) == 33


async def test_nothing_on_record_is_null(door: Door):
    await door.add_services("checkout")
    await door.fresh_telemetry()

    for objective in (
        {"kind": "AVAILABILITY", "availabilityPercent": 99.9},
        {"kind": "LATENCY_P99", "thresholdMs": 300, "window": "ROLLING_7D"},
    ):
        assert (await door.ask(QUERY, service="checkout", objective=objective))["backtest"] is None


async def test_what_cannot_be_promised_is_told_by_field(door: Door):
    await door.add_services("checkout")

    (hundred,) = await door.errors(
        QUERY, service="checkout", objective={"kind": "AVAILABILITY", "availabilityPercent": 100}
    )
    (mixed,) = await door.errors(
        QUERY, service="checkout", objective={"kind": "LATENCY_P95", "availabilityPercent": 99}
    )
    (unknown,) = await door.errors(
        QUERY, service="nobody", objective={"kind": "AVAILABILITY", "availabilityPercent": 99}
    )

    assert hundred["extensions"]["code"] == "INVALID"
    assert "100 % leaves no budget" in hundred["message"]
    assert "LATENCY_P95 needs thresholdMs" in mixed["message"]
    assert unknown["extensions"]["code"] == "NOT_FOUND"
