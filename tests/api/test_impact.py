from __future__ import annotations

from tests.api.door import Door

QUERY = """
query($changes: [SloChangeInput!]!) {
  impactAnalysis(changes: $changes) {
    rows(first: 1) {
      nodes {
        service { serviceId team } kind distance path reason boundBeforePercent boundAfterPercent latencyAfterMs
        activeTarget { availabilityPercent } violates violatedBefore marginChange standardErrorPercent
      }
      totalCount
      pageInfo { hasNextPage endCursor }
    }
    teams summary notes graphVersion
  }
}
"""


async def test_an_impact_analysis_is_a_page_of_rows_worst_first(door: Door):
    await door.add_services("front", "middle", "store", team="shop")
    await door.draw("front->middle", "middle->store")
    await door.add_availability("front", "middle", "store", hours=28 * 24)
    await door.decide("front")

    answer = await door.ask(
        QUERY, changes=[{"serviceId": "store", "kind": "AVAILABILITY", "availabilityPercent": 98}]
    )

    found = answer["impactAnalysis"]
    assert found["rows"]["totalCount"] == 2
    assert found["rows"]["pageInfo"]["hasNextPage"]
    [row] = found["rows"]["nodes"]
    assert row["service"]["serviceId"] == "front"
    assert row["path"] == ["front", "middle", "store"]
    assert row["violates"]
    assert row["boundAfterPercent"] < row["boundBeforePercent"]
    assert row["latencyAfterMs"] is None
    assert found["teams"] == ["shop"]
    assert "Ask shop" in found["summary"]


async def test_the_next_page_goes_on_behind_the_cursor(door: Door):
    await door.add_services("a", "b", "c")
    await door.draw("a->c", "b->c")
    changes = [{"serviceId": "c", "kind": "AVAILABILITY", "availabilityPercent": 98}]
    first = await door.ask(QUERY, changes=changes)
    cursor = first["impactAnalysis"]["rows"]["pageInfo"]["endCursor"]

    second = await door.ask(QUERY.replace("first: 1", f'first: 1, after: "{cursor}"'), changes=changes)

    names = [page["impactAnalysis"]["rows"]["nodes"][0]["service"]["serviceId"] for page in (first, second)]
    assert names == ["a", "b"]
    assert not second["impactAnalysis"]["rows"]["pageInfo"]["hasNextPage"]


async def test_a_wrong_number_is_named_by_its_field(door: Door):
    await door.add_services("a")

    [error] = await door.errors(QUERY, changes=[{"serviceId": "a", "kind": "LATENCY_P95"}])

    assert error["extensions"]["code"] == "INVALID"
    assert "thresholdMs" in error["message"]
