from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.application.ports.slo_ledger import CallersAtRisk
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, slo
from tests.contracts.test_slo_ledger import decide, put


async def test_an_event_of_its_own_is_appended_once(stores: Stores):
    event = OutboxEvent("told-1", "CallersAtRisk", "a", NOW, {"callers": ["b"]})

    await stores.outbox.append(event)
    await stores.outbox.append(event)
    pending = await stores.outbox.pending(10)
    await stores.outbox.relayed(["told-1"])
    await stores.outbox.append(event)

    assert list(pending) == [event]
    assert list(await stores.outbox.pending(10)) == []


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
