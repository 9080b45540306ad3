from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.ports.drift_store import WatchUpdate
from sloengine.domain.drift.alarm import DriftEvent, TargetMove
from sloengine.domain.drift.baseline import fit_baseline
from sloengine.domain.drift.model import Detector
from sloengine.domain.drift.watch import Watch
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from tests.api.door import NOW, Door, global_id

FIELDS = """{ nodes { id service { serviceId } sliType kind detectedAt startedAt votes before after alarms
  reevaluatedAt reevaluated { id status } targets { tier kind before after } }
  totalCount pageInfo { hasNextPage } }"""


def changed(service_id: str, hours_ago: int) -> DriftEvent:
    at = NOW - timedelta(hours=hours_ago)
    return DriftEvent(
        event_id=f"{service_id}-{hours_ago}",
        service_id=service_id,
        sli_type=SliType.AVAILABILITY,
        kind=ObjectiveKind.AVAILABILITY,
        detected_at=at,
        started_at=at - timedelta(hours=4),
        votes=(Detector.PAGE_HINKLEY, Detector.ADWIN),
        before=0.9995,
        after=0.99,
        last_alarm_at=at,
    )


async def keep(door: Door, *events: DriftEvent) -> None:
    for event in events:
        stored = await door.drift_store.watches([event.service_id])
        _, revision = stored.get((event.service_id, event.kind), (None, 0))
        await door.drift_store.save(
            [WatchUpdate(event.service_id, event.kind, Watch(0, 0), revision, events=(event,))]
        )


@pytest.fixture
async def drifted(door: Door) -> Door:
    await door.add_services("checkout", "ads")
    await keep(door, changed("checkout", 3), changed("ads", 2), changed("checkout", 400))
    return door


async def test_an_event_says_what_changed_and_what_came_of_it(drifted: Door):
    recommendation = await drifted.add_recommendation("checkout")
    move = TargetMove(TierName.BALANCED, ObjectiveKind.AVAILABILITY, 0.9995, 0.99)
    judged = replace(changed("checkout", 3), recommendation_id=recommendation.recommendation_id, targets=(move,))
    await drifted.drift_store.finish(judged, actor="engine", rationale="why", now=NOW)

    answer = await drifted.ask(f"{{ driftEvents(first: 2) {FIELDS} }}")

    ads, checkout = answer["driftEvents"]["nodes"]
    assert (ads["service"]["serviceId"], ads["reevaluated"], ads["reevaluatedAt"]) == ("ads", None, None)
    assert checkout["id"] == global_id("DriftEvent", "checkout-3")
    assert (checkout["before"], checkout["after"]) == (99.95, 99.0)
    assert checkout["votes"] == ["PAGE_HINKLEY", "ADWIN"]
    assert checkout["reevaluated"]["id"] == global_id("Recommendation", recommendation.recommendation_id or "")
    assert checkout["targets"] == [{"tier": "BALANCED", "kind": "AVAILABILITY", "before": 99.95, "after": 99.0}]
    assert answer["driftEvents"]["totalCount"] == 3
    assert answer["driftEvents"]["pageInfo"]["hasNextPage"]


async def test_events_are_filtered_by_service_kind_and_time(drifted: Door):
    query = f"query($filter: DriftFilter) {{ driftEvents(filter: $filter) {FIELDS} }}"
    since = (NOW - timedelta(days=1)).isoformat()

    recent = await drifted.ask(query, filter={"serviceId": "checkout", "from": since})
    latency = await drifted.ask(query, filter={"sliType": "LATENCY"})

    assert [node["id"] for node in recent["driftEvents"]["nodes"]] == [global_id("DriftEvent", "checkout-3")]
    assert latency["driftEvents"]["nodes"] == []


async def test_events_of_many_services_are_one_call(drifted: Door):
    drifted.counts.clear()

    answer = await drifted.ask(f"{{ services {{ nodes {{ serviceId drift(first: 1) {FIELDS} }} }} }}")

    by_id = {node["serviceId"]: node["drift"] for node in answer["services"]["nodes"]}
    assert [node["id"] for node in by_id["checkout"]["nodes"]] == [global_id("DriftEvent", "checkout-3")]
    assert by_id["checkout"]["totalCount"] == 2
    assert drifted.counts["MemoryDriftStore.pages"] == 1


async def test_an_event_is_a_node(drifted: Door):
    answer = await drifted.ask(
        "query($id: ID!) { node(id: $id) { id ... on DriftEvent { sliType } } }",
        id=global_id("DriftEvent", "ads-2"),
    )

    assert answer["node"] == {"id": global_id("DriftEvent", "ads-2"), "sliType": "AVAILABILITY"}


async def test_events_with_one_cause_name_it_and_where_it_began(door: Door):
    await door.draw("front->checkout", "checkout->db")
    await door.add_services("far")
    await keep(door, changed("front", 3), changed("checkout", 3), changed("db", 4), changed("far", 3))
    door.counts.clear()

    answer = await door.ask(
        "{ driftEvents { nodes { service { serviceId } sharedCause { startedAt eventCount serviceCount"
        " origin { serviceId } services { serviceId } } } } }"
    )

    by_id = {node["service"]["serviceId"]: node["sharedCause"] for node in answer["driftEvents"]["nodes"]}
    assert by_id["far"] is None
    assert by_id["front"] == by_id["db"]
    assert (by_id["db"]["eventCount"], by_id["db"]["serviceCount"]) == (3, 3)
    assert by_id["db"]["origin"] == {"serviceId": "db"}
    assert [one["serviceId"] for one in by_id["db"]["services"]] == ["db", "checkout", "front"]
    assert door.counts["MemoryDriftStore.onsets"] == 1


async def test_a_service_says_what_of_it_is_not_judged_and_why(door: Door):
    await door.add_services("young", "unheard")
    await door.add_availability("young", hours=72)
    door.counts.clear()

    answer = await door.ask("{ services { nodes { serviceId notJudged { kind reason } } } }")

    by_id = {node["serviceId"]: node["notJudged"] for node in answer["services"]["nodes"]}
    [availability] = by_id["young"]
    assert availability["kind"] == "AVAILABILITY"
    assert availability["reason"].startswith("72 hours are too few: 168, from 2026-02-27 12:00 UTC on")
    assert by_id["unheard"] == [{"kind": "AVAILABILITY", "reason": "not a single hour has a value"}]
    assert door.counts["MemoryDriftStore.watches"] == 1
    assert door.counts["MemorySliHistory.read"] == 1


async def test_hours_are_not_read_of_services_of_which_all_is_judged(door: Door):
    await door.add_services("known")
    learnt = fit_baseline(np.random.default_rng(1).standard_normal(8 * 168), 0, noise=1e-6)
    for kind in ObjectiveKind:
        await door.drift_store.save([WatchUpdate("known", kind, Watch(8 * 168, 0, baseline=learnt), 0)])
    door.counts.clear()

    answer = await door.ask("{ services { nodes { notJudged { kind } } } }")

    assert answer["services"]["nodes"] == [{"notJudged": []}]
    assert door.counts["MemorySliHistory.read"] == 0
