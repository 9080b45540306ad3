from __future__ import annotations

from datetime import timedelta

from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, slo
from tests.contracts.test_slo_ledger import decide, put


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
