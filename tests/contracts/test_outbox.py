from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.slo_ledger import CallersAtRisk
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, availability, slo, unavailable
from tests.contracts.test_slo_ledger import decide, put


async def decide_open(stores: Stores, name: str, at: datetime = NOW) -> str:
    def choose(recommendation, active):
        return replace(put(slo(f"slo-{name}", name))(recommendation, active), is_open=True)

    return (await decide(stores.ledger, choose, service_id=name, now=at)).audit_event.audit_id


async def test_what_is_told_of_a_decision_is_told_once(stores: Stores):
    event = OutboxEvent("told-1", "CallersAtRisk", "a", NOW, {"callers": ["b"]})

    await stores.outbox.callers_told("entry", event)
    await stores.outbox.callers_told("entry", event)
    pending = await stores.outbox.pending(10)
    await stores.outbox.relayed(["told-1"])
    await stores.outbox.callers_told("entry", event)

    assert list(pending) == [event]
    assert list(await stores.outbox.pending(10)) == []


async def test_a_decision_notes_that_its_callers_have_still_to_be_told(stores: Stores):
    second = await decide_open(stores, "b", NOW + timedelta(seconds=1))
    first = await decide_open(stores, "a")
    await decide(stores.ledger, put(slo("slo-c", "c")), service_id="c")
    third = await decide_open(stores, "d", NOW + timedelta(minutes=5))
    later = NOW + timedelta(minutes=1)

    due = list(await stores.outbox.to_tell(later, 10))
    oldest = list(await stores.outbox.to_tell(later, 1))
    await stores.outbox.callers_told(first, None)
    rest = list(await stores.outbox.to_tell(later, 10))
    all_of_them = list(await stores.outbox.to_tell(NOW + timedelta(hours=1), 10))

    assert due == [first, second]
    assert oldest == [first]
    assert rest == [second]
    assert all_of_them == [second, third]
    assert {event.kind for event in await stores.outbox.pending(10)} == {"SloChanged"}


async def test_a_decision_and_whom_it_hurts_are_told_together(stores: Stores):
    risk = CallersAtRisk(("front", "cart"), ("shop",), 7)

    recorded = await decide(
        stores.ledger,
        lambda recommendation, active: replace(
            put(slo("s", "a"))(recommendation, active), warnings=("ask them",), callers_at_risk=risk
        ),
        idempotency_key="once",
    )
    again = await decide(stores.ledger, put(slo("s", "a")), idempotency_key="once")

    told = {event.kind: event for event in await stores.outbox.pending(10)}
    assert set(told) == {"SloChanged", "CallersAtRisk"}
    assert told["CallersAtRisk"].payload == {
        "auditEvent": recorded.audit_event.audit_id,
        "callers": ["front", "cart"],
        "teams": ["shop"],
        "count": 7,
    }
    assert again.replayed
    assert again.warnings == recorded.warnings == ("ask them",)


async def test_events_are_pending_in_order_until_relayed(stores: Stores):
    for number in range(4):
        await decide(
            stores.ledger,
            put(slo(f"slo-{number}", f"s{number}")),
            service_id=f"s{number}",
            now=NOW + timedelta(minutes=number // 2),
        )

    first = await stores.outbox.pending(3)
    await stores.outbox.relayed([event.event_id for event in first])
    rest = await stores.outbox.pending(3)
    await stores.outbox.relayed([event.event_id for event in [*first, *rest]])

    assert [event.service_id for event in first] == ["s0", "s1", "s2"]
    assert [event.service_id for event in rest] == ["s3"]
    assert len({event.event_id for event in (*first, *rest)}) == 4
    assert list(await stores.outbox.pending(3)) == []


async def test_events_get_numbers_in_order_and_for_good(stores: Stores):
    for name in "abc":
        await decide(stores.ledger, put(slo(f"slo-{name}", name)), service_id=name)
    before = await stores.event_log.newest()

    first = await stores.outbox.pending(2)
    again = await stores.outbox.pending(2)
    await stores.outbox.relayed([event.event_id for event in first])
    await decide(stores.ledger, put(slo("slo-d", "d")), service_id="d", now=NOW - timedelta(hours=1))
    rest = await stores.outbox.pending(10)

    assert before == 0
    assert [event.number for event in first] == [event.number for event in again] == [1, 2]
    assert [event.number for event in rest] == [3, 4]
    assert await stores.event_log.newest() == 4
    assert list(await stores.event_log.after(1, 2)) == [first[1], rest[0]]
    assert [event.number for event in await stores.event_log.after(0, 10)] == [1, 2, 3, 4]
    assert list(await stores.event_log.after(4, 10)) == []


async def test_relays_at_once_give_each_number_once(stores: Stores):
    for name in "abcdef":
        await decide(stores.ledger, put(slo(f"slo-{name}", name)), service_id=name)

    relays = await asyncio.gather(*(stores.outbox.pending(2 + relay) for relay in range(4)))
    await stores.outbox.pending(10)

    told = await stores.event_log.after(0, 10)
    assert [event.number for event in told] == [1, 2, 3, 4, 5, 6]
    assert len({event.event_id for event in told}) == 6
    numbers = {event.event_id: event.number for event in told}
    assert all(numbers[event.event_id] == event.number for relay in relays for event in relay)


async def test_what_is_stored_as_a_matter_of_course_is_told_too(stores: Stores):
    ingestion = Ingestion("i1", DiscoverySource.OTEL, JobStatus.QUEUED, submitted_at=NOW)
    await stores.ingestions.submit(ingestion, b"{}", actor="user:a", request=None)
    await stores.ingestions.save(replace(ingestion, status=JobStatus.RUNNING))
    await stores.graph.move_version(changed=True, now=NOW, ingestion_id="i1")
    await stores.graph.move_version(changed=False, now=NOW)
    later = NOW + timedelta(seconds=1)
    version = await stores.graph.write_condensation(supernodes=(), edges=(), alerts=(), changed=True, now=later)
    [stored] = await stores.recommendations.save([availability("a")], now=NOW)
    await stores.recommendations.save([stored, unavailable("b")], now=NOW)

    events = await stores.outbox.pending(10)

    progressed = [event.payload for event in events if event.kind == "IngestionProgressed"]
    changed = [event.payload for event in events if event.kind == "GraphChanged"]
    generated = [(event.service_id, event.payload) for event in events if event.kind == "RecommendationGenerated"]
    assert progressed == [{"ingestion": "i1"}] * 2
    assert changed == [
        {"graphVersion": version - 1, "ingestion": "i1"},
        {"graphVersion": version, "ingestion": None},
    ]
    assert generated == [("a", {"recommendation": stored.recommendation_id})]
    assert len(events) == 5
