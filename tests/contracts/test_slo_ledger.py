from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import (
    AuditFilter,
    DecidedSince,
    Decision,
    Recorded,
    SloLedger,
    Standing,
)
from sloengine.domain.errors import Conflict, DomainError, IdempotencyMismatch, Invalid, NotActive
from sloengine.domain.governance.decisions import require_active
from sloengine.domain.governance.model import AuditAction, Slo, TargetDelta
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, RecommendationStatus, SliType
from sloengine.domain.topology.service import Service
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, availability, slo

ACCEPTED = RecommendationStatus.ACCEPTED
AVAILABILITY = SliType.AVAILABILITY


def accept(new: Slo) -> Callable[[Recommendation | None, Slo | None], Decision]:
    def choose(recommendation: Recommendation | None, _active: Slo | None) -> Decision:
        assert recommendation is not None
        require_active(recommendation, NOW)
        return Decision(AuditAction.ACCEPT, new.service_id, AVAILABILITY, new, ACCEPTED, "fine")

    return choose


def put(new: Slo) -> Callable[[Recommendation | None, Slo | None], Decision]:
    return lambda _recommendation, _active: Decision(
        AuditAction.SET, new.service_id, AVAILABILITY, new, None, "by hand"
    )


async def decide(
    ledger: SloLedger,
    choose: Any,
    *,
    actor: str = "user:a",
    mutation: str = "setSlo",
    idempotency_key: str | None = None,
    digests: tuple[str, ...] = ("digest",),
    **what: Any,
) -> Recorded:
    """``digests``: as this version knows the request, then as earlier ones did."""
    key, (digest, *before) = idempotency_key, digests
    arguments = {
        "service_id": "a",
        "sli_type": AVAILABILITY,
        "recommendation_id": None,
        "actor": actor,
        "request": None if key is None else KeyedRequest(actor, mutation, key, digest, tuple(before)),
        "now": NOW,
        "choose": choose,
    }
    return await ledger.decide(**{**arguments, **what})


async def test_the_sequence_moves_with_every_decision(stores: Stores):
    before = await stores.ledger.sequence()

    first = await decide(stores.ledger, put(slo("a")))
    await decide(stores.ledger, put(slo("b", "b")), service_id="b")

    assert before == 0
    assert first.audit_event.sequence == 1
    assert await stores.ledger.sequence() == 2


async def test_what_was_decided_since_an_entry_comes_with_how_it_stands(stores: Stores):
    of_a, of_b = slo("a"), slo("b", "b")
    nothing = await stores.ledger.decided_since(0, 10, AVAILABILITY)
    await decide(stores.ledger, put(of_a))
    await decide(stores.ledger, put(of_b), service_id="b")

    everything = await stores.ledger.decided_since(0, 10, AVAILABILITY)
    latency = await stores.ledger.decided_since(0, 10, SliType.LATENCY)

    assert nothing == DecidedSince(0)
    assert (everything.sequence, set(everything.service_ids)) == (2, {"a", "b"})
    assert everything.active == {"a": of_a, "b": of_b}
    assert latency == DecidedSince(2, everything.service_ids)
    assert await stores.ledger.decided_since(0, 1, AVAILABILITY) == DecidedSince(2, ("a",), {"a": of_a})
    assert await stores.ledger.decided_since(1, 10, AVAILABILITY) == DecidedSince(2, ("b",), {"b": of_b})
    assert await stores.ledger.decided_since(2, 10, AVAILABILITY) == DecidedSince(2)


async def recommended(stores: Stores, service_id: str = "a") -> str:
    [stored] = await stores.recommendations.save([availability(service_id)], now=NOW)
    assert isinstance(stored, Recommendation)
    assert stored.recommendation_id is not None
    return stored.recommendation_id


async def test_accepting_writes_slo_status_audit_and_event_together(stores: Stores):
    recommendation_id = await recommended(stores)
    new = slo("slo-1", recommendation_id=recommendation_id)

    recorded = await decide(stores.ledger, accept(new), recommendation_id=recommendation_id)

    stored = (await stores.recommendations.by_id([recommendation_id]))[recommendation_id]
    event = recorded.audit_event
    assert stored.status is ACCEPTED
    assert recorded == Recorded(event, new, None, stored)
    assert await stores.ledger.active(["a", "b"], AVAILABILITY) == {"a": new}
    assert await stores.ledger.active(["a"], SliType.LATENCY) == {}
    assert (event.sequence, event.action, event.actor, event.rationale) == (
        1,
        AuditAction.ACCEPT,
        "user:a",
        "fine",
    )
    assert (event.previous, event.new) == (None, new.snapshot())
    assert event.delta == (TargetDelta(ObjectiveKind.AVAILABILITY, None, 0.999),)
    assert await stores.ledger.audit_by_id([event.audit_id, "nine"]) == {event.audit_id: event}
    generated, pending = await stores.outbox.pending(10)
    assert (pending.kind, pending.service_id, pending.at) == ("SloChanged", "a", NOW)
    assert pending.payload["auditEvent"] == event.audit_id
    assert (generated.kind, generated.payload) == (
        "RecommendationGenerated",
        {"recommendation": stored.recommendation_id},
    )


async def test_a_new_slo_replaces_the_old_one_which_stays_readable(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1", ratio=0.99)))

    recorded = await decide(stores.ledger, put(slo("slo-2", ratio=0.999)), now=NOW + timedelta(hours=1))

    assert recorded.previous == slo("slo-1", ratio=0.99)
    assert recorded.audit_event.delta == (TargetDelta(ObjectiveKind.AVAILABILITY, 0.99, 0.999),)
    assert recorded.audit_event.at == NOW + timedelta(hours=1)
    assert (await stores.ledger.active(["a"], AVAILABILITY))["a"].slo_id == "slo-2"
    assert set(await stores.ledger.slos_by_id(["slo-1", "slo-2", "slo-3"])) == {"slo-1", "slo-2"}


async def test_rejecting_leaves_the_slo_as_it_is(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1")))
    recommendation_id = await recommended(stores)

    recorded = await decide(
        stores.ledger,
        lambda _r, _s: Decision(
            AuditAction.REJECT, "a", AVAILABILITY, None, RecommendationStatus.REJECTED, "too tight"
        ),
        recommendation_id=recommendation_id,
        mutation="rejectRecommendation",
    )

    assert recorded.recommendation is not None
    assert recorded.recommendation.status is RecommendationStatus.REJECTED
    assert (await stores.ledger.active(["a"], AVAILABILITY))["a"] == slo("slo-1")
    assert recorded.audit_event.delta == ()


async def test_what_choose_raises_leaves_nothing_behind(stores: Stores):
    def refuse(_recommendation: Recommendation | None, _active: Slo | None) -> Decision:
        raise Invalid("no")

    with pytest.raises(Invalid):
        await decide(stores.ledger, refuse, idempotency_key="k")
    afterwards = await decide(stores.ledger, put(slo("slo-1")), idempotency_key="k")

    assert afterwards.audit_event.sequence == 1
    assert not afterwards.replayed
    assert len(await stores.outbox.pending(10)) == 1


async def test_a_later_decider_is_told_that_it_is_not_active(stores: Stores):
    recommendation_id = await recommended(stores)
    await decide(stores.ledger, accept(slo("slo-1")), recommendation_id=recommendation_id)

    with pytest.raises(NotActive):
        await decide(stores.ledger, accept(slo("slo-2")), recommendation_id=recommendation_id)


async def test_what_a_decision_is_about_is_seen_at_once(stores: Stores):
    await stores.graph.register([Service("a", team="payments", metadata={"tier": 1})], now=NOW)
    recommendation_id = await recommended(stores)
    before = await stores.ledger.standing(recommendation_id)
    await decide(stores.ledger, accept(slo("slo-1")), recommendation_id=recommendation_id)

    after = await stores.ledger.standing(recommendation_id)
    alone = await stores.ledger.standing(await recommended(stores, "b"))

    known = await stores.graph.services(["a"])
    [stored] = (await stores.recommendations.by_id([recommendation_id])).values()
    assert before == Standing(replace(stored, status=RecommendationStatus.ACTIVE), None, known["a"])
    assert after == Standing(stored, slo("slo-1"), known["a"])
    assert alone is not None
    assert (alone.slo, alone.service) == (None, None)
    assert await stores.ledger.standing("nobody") is None


async def test_who_decides_on_what_somebody_else_decided_since_it_was_seen_gets_a_conflict(stores: Stores):
    recommendation_id = await recommended(stores)
    seen = await stores.ledger.standing(recommendation_id)
    await decide(stores.ledger, accept(slo("slo-1")), recommendation_id=recommendation_id, seen=seen)

    with pytest.raises(Conflict):
        await decide(stores.ledger, accept(slo("slo-2")), recommendation_id=recommendation_id, seen=seen)
    again = await stores.ledger.standing(recommendation_id)
    with pytest.raises(NotActive):
        await decide(stores.ledger, accept(slo("slo-2")), recommendation_id=recommendation_id, seen=again)

    assert (await stores.ledger.audit(AuditFilter(), PageRequest(5))).total_count == 1


async def test_an_slo_put_by_hand_since_it_was_seen_is_a_conflict_too(stores: Stores):
    recommendation_id = await recommended(stores)
    seen = await stores.ledger.standing(recommendation_id)
    await decide(stores.ledger, put(slo("slo-1")))

    with pytest.raises(Conflict):
        await decide(stores.ledger, accept(slo("slo-2")), recommendation_id=recommendation_id, seen=seen)


async def test_one_that_was_superseded_since_it_was_seen_is_not_active(stores: Stores):
    recommendation_id = await recommended(stores)
    seen = await stores.ledger.standing(recommendation_id)
    await recommended(stores)

    with pytest.raises(NotActive):
        await decide(stores.ledger, accept(slo("slo-1")), recommendation_id=recommendation_id, seen=seen)


async def test_of_many_at_once_one_wins_and_the_others_conflict(stores: Stores):
    recommendation_id = await recommended(stores)

    outcomes = await asyncio.gather(
        *(
            decide(stores.ledger, accept(slo(f"slo-{n}")), recommendation_id=recommendation_id, actor=f"user:{n}")
            for n in range(8)
        ),
        return_exceptions=True,
    )

    won = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert (len(won), len(lost)) == (1, 7)
    assert {type(error) for error in lost} <= {Conflict, NotActive}
    assert (await stores.ledger.active(["a"], AVAILABILITY))["a"] == won[0].slo
    assert (await stores.ledger.audit(AuditFilter(), PageRequest())).total_count == 1


async def test_decisions_on_different_services_at_once_make_one_chain(stores: Stores):
    await asyncio.gather(
        *(decide(stores.ledger, put(slo(f"slo-{n}", f"s{n}")), service_id=f"s{n}") for n in range(12))
    )

    page = await stores.ledger.audit(AuditFilter(), PageRequest(50))
    integrity = await stores.ledger.verify()
    assert [entry.sequence for entry in page.rows] == list(range(12, 0, -1))
    assert (integrity.intact, integrity.checked, integrity.first_broken_sequence) == (True, 12, None)
    assert integrity.head_hash == page.rows[0].hash


async def test_the_same_key_gives_the_same_answer(stores: Stores):
    recommendation_id = await recommended(stores)
    what = {"recommendation_id": recommendation_id, "idempotency_key": "k"}
    first = await decide(stores.ledger, accept(slo("slo-1")), **what)

    again = await decide(stores.ledger, accept(slo("slo-2")), **what)

    assert again == replace(first, replayed=True)
    assert (await stores.ledger.audit(AuditFilter(), PageRequest())).total_count == 1


async def test_the_same_key_at_once_is_one_decision(stores: Stores):
    recommendation_id = await recommended(stores)
    what = {"recommendation_id": recommendation_id, "idempotency_key": "k"}

    answers = await asyncio.gather(*(decide(stores.ledger, accept(slo(f"slo-{n}")), **what) for n in range(6)))

    assert len({answer.audit_event.audit_id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 5


async def test_the_same_key_with_another_body_is_refused_and_others_keys_are_theirs(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1")), idempotency_key="k")

    with pytest.raises(IdempotencyMismatch):
        await decide(stores.ledger, put(slo("slo-2")), idempotency_key="k", digests=("other",))
    other_actor = await decide(stores.ledger, put(slo("slo-3")), idempotency_key="k", actor="user:b")
    other_mutation = await decide(stores.ledger, put(slo("slo-4")), idempotency_key="k", mutation="other")

    assert not other_actor.replayed
    assert not other_mutation.replayed


async def test_a_key_kept_by_an_earlier_version_still_knows_its_request(stores: Stores):
    first = await decide(stores.ledger, put(slo("slo-1")), idempotency_key="k", digests=("before",))

    again = await decide(stores.ledger, put(slo("slo-2")), idempotency_key="k", digests=("digest", "before"))

    assert again == replace(first, replayed=True)


async def test_the_trail_is_filtered_and_paged_newest_first(stores: Stores):
    for number in range(5):
        await decide(
            stores.ledger,
            put(slo(f"slo-{number}", f"s{number % 2}")),
            service_id=f"s{number % 2}",
            actor=f"user:{number % 3}",
            now=NOW + timedelta(hours=number),
        )
    ledger = stores.ledger

    first = await ledger.audit(AuditFilter(), PageRequest(2))
    second = await ledger.audit(AuditFilter(), PageRequest(2, first.cursors[-1]))
    of_service = await ledger.audit(AuditFilter(service_id="s1"), PageRequest())
    of_actor = await ledger.audit(AuditFilter(actor="user:0"), PageRequest())
    of_action = await ledger.audit(AuditFilter(actions=(AuditAction.ACCEPT,)), PageRequest())
    of_time = await ledger.audit(
        AuditFilter(from_at=NOW + timedelta(hours=1), to_at=NOW + timedelta(hours=3)), PageRequest()
    )
    pages = await ledger.audit_pages(["s0", "s1", "s2"], PageRequest(1))
    nexts = await ledger.audit_pages(["s0"], PageRequest(5, pages["s0"].cursors[-1]))

    assert [entry.sequence for page in (first, second) for entry in page.rows] == [5, 4, 3, 2]
    assert (first.has_next, first.total_count) == (True, 5)
    assert [entry.sequence for entry in of_service.rows] == [4, 2]
    assert [entry.sequence for entry in of_actor.rows] == [4, 1]
    assert of_action.total_count == 0
    assert [entry.sequence for entry in of_time.rows] == [3, 2]
    assert {key: [e.sequence for e in page.rows] for key, page in pages.items()} == {
        "s0": [5],
        "s1": [4],
        "s2": [],
    }
    assert pages["s0"].total_count == 3
    assert [entry.sequence for entry in nexts["s0"].rows] == [3, 1]


async def test_an_empty_trail_is_intact(stores: Stores):
    integrity = await stores.ledger.verify()

    assert (integrity.intact, integrity.checked) == (True, 0)
