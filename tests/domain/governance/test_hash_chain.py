from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.governance.hash_chain import (
    GENESIS_HASH,
    ChainHead,
    canonical_entry,
    chained,
    verify_chain,
)
from sloengine.domain.governance.model import (
    AuditAction,
    AuditEvent,
    AuditIntegrity,
    SloSnapshot,
    SloSource,
    SloTarget,
    TargetDelta,
)
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.window import ComplianceWindow

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(number: int, **what: object) -> AuditEvent:
    snapshot = SloSnapshot(
        (SloTarget(ObjectiveKind.AVAILABILITY, 0.999),), ComplianceWindow.ROLLING_28D, SloSource.ACCEPTED
    )
    event = AuditEvent(
        audit_id=f"audit-{number}",
        sequence=0,
        action=AuditAction.ACCEPT,
        actor="user:a",
        service_id=f"s{number}",
        sli_type=SliType.AVAILABILITY,
        at=AT + timedelta(minutes=number),
        hash="",
        previous_hash="",
        recommendation_id=f"r{number}",
        new=snapshot,
        delta=(TargetDelta(ObjectiveKind.AVAILABILITY, None, 0.999),),
        rationale="because",
    )
    return replace(event, **what)


def trail(length: int) -> tuple[list[AuditEvent], ChainHead]:
    entries: list[AuditEvent] = []
    head = ChainHead()
    for number in range(length):
        entries.append(chained(entry(number), head))
        head = ChainHead(entries[-1].sequence, entries[-1].hash)
    return entries, head


def test_an_untouched_trail_is_intact():
    entries, head = trail(5)

    assert verify_chain(entries, head) == AuditIntegrity(True, 5, None, head.hash)
    assert [event.sequence for event in entries] == [1, 2, 3, 4, 5]
    assert entries[0].previous_hash == GENESIS_HASH


def test_an_empty_trail_is_intact():
    assert verify_chain([], ChainHead()) == AuditIntegrity(True, 0, None, None)


def test_the_hash_is_the_sha256_of_content_that_names_the_hash_before():
    entries, _ = trail(2)

    assert entries[1].hash == hashlib.sha256(canonical_entry(entries[1])).hexdigest()
    assert entries[0].hash.encode() in canonical_entry(entries[1])


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "user:b"},
        {"action": AuditAction.REJECT},
        {"service_id": "other"},
        {"sli_type": SliType.LATENCY},
        {"at": AT},
        {"rationale": None},
        {"rationale": "because "},
        {"recommendation_id": None},
        {"new": None},
        {"delta": ()},
        {"audit_id": "other"},
        {"hash": "0" * 64},
        {"previous_hash": "0" * 64},
        {"sequence": 7},
        {"previous": entry(0).new},
        {"new": replace(entry(0).new, targets=(SloTarget(ObjectiveKind.AVAILABILITY, 0.9990000000000001),))},
    ],
    ids=",".join,
)
def test_any_edit_shows_where_it_was_made(change: dict[str, object]):
    entries, head = trail(5)
    entries[2] = replace(entries[2], **change)

    found = verify_chain(entries, head)

    assert (found.intact, found.first_broken_sequence) == (False, 3)


@given(st.integers(2, 12), st.data())
def test_a_deletion_an_exchange_and_a_cut_tail_show(length: int, data: st.DataObject):
    entries, head = trail(length)
    victim = data.draw(st.integers(0, length - 1))
    other = data.draw(st.integers(0, length - 1).filter(lambda n: n != victim))
    without = entries[:victim] + entries[victim + 1 :]
    exchanged = list(entries)
    exchanged[victim], exchanged[other] = exchanged[other], exchanged[victim]

    assert verify_chain(without, head).first_broken_sequence == victim + 1
    assert verify_chain(exchanged, head).first_broken_sequence == min(victim, other) + 1
    assert verify_chain(entries[:victim], head).first_broken_sequence == victim + 1


def test_an_entry_put_in_behind_the_head_shows():
    entries, head = trail(3)
    extra = chained(entry(9), head)

    found = verify_chain([*entries, extra], head)

    assert (found.intact, found.checked) == (False, 4)


def test_an_edit_that_was_hashed_again_breaks_the_entry_behind_it():
    entries, head = trail(4)
    entries[1] = chained(replace(entries[1], actor="user:b"), ChainHead(1, entries[0].hash))

    assert verify_chain(entries, head).first_broken_sequence == 3


def test_the_same_moment_and_number_in_another_form_hash_alike():
    here = chained(entry(0), ChainHead())
    there = replace(entry(0), at=here.at.astimezone(timezone(timedelta(hours=5))))
    whole = SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=250)
    as_float = SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=250.0)
    shape = SloSnapshot((whole,), ComplianceWindow.ROLLING_28D, SloSource.MANUAL)

    assert chained(there, ChainHead()).hash == here.hash
    assert (
        chained(entry(0, new=shape), ChainHead()).hash
        == chained(entry(0, new=replace(shape, targets=(as_float,))), ChainHead()).hash
    )
