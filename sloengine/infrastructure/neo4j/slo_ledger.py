"""Decisions in Neo4j: SLO, status, audit entry and event in one transaction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.slo_ledger import (
    AuditFilter,
    DecidedSince,
    Decision,
    Recorded,
    Standing,
)
from sloengine.domain.errors import Conflict, RecommendationNotFound
from sloengine.domain.governance.hash_chain import ChainCheck, ChainHead
from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, Slo
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, SliType
from sloengine.infrastructure.decision_records import decision_events, recorded
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.audit_rows import entry_of, entry_properties, is_written, slo_properties
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.idempotency import IdempotencyKey
from sloengine.infrastructure.neo4j.outbox import event_properties
from sloengine.infrastructure.neo4j.recommendation_store import recommendation_of
from sloengine.infrastructure.neo4j.service_rows import service_of
from sloengine.infrastructure.turns import in_turns


class Neo4jSloLedger:
    """Keeps the ``SloLedger`` port. Decisions follow each other: each locks the head of the trail."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def decide(
        self,
        *,
        service_id: str,
        sli_type: SliType,
        recommendation_id: str | None,
        actor: str,
        request: KeyedRequest | None,
        now: datetime,
        choose: Callable[[Recommendation | None, Slo | None], Decision],
        seen: Standing | None = None,
    ) -> Recorded:
        """Look, lock, look again: who finds another decision then was beaten and gets ``Conflict``.

        Raises what ``choose`` raises, ``RecommendationNotFound``, ``IdempotencyMismatch``, ``Unavailable``.
        """
        key = None if request is None else IdempotencyKey.of(request)
        about = {"service_id": service_id, "sli_type": sli_type.value, "recommendation_id": recommendation_id}
        # Outside of the transaction: run again after a deadlock, it still knows what its caller saw.
        looked = seen or await self._look(about)
        made: Recorded | None = None

        async def work(transaction: Transaction) -> Recorded:
            nonlocal made
            if key is not None:
                answer = await key.earlier_answer(transaction, now)
                if answer is not None:
                    earlier = decode(Recorded, answer)
                    is_own = made is not None and earlier.audit_event.audit_id == made.audit_event.audit_id
                    return replace(earlier, replayed=not is_own)
            [(sequence, head_hash, current, slo_id)] = await transaction.rows(
                "write/lock_for_decision", **about, now=now
            )
            if made is not None and await is_written(transaction, made.audit_event):
                return made
            if recommendation_id is not None and (current is None or looked.recommendation is None):
                raise RecommendationNotFound(
                    f"no recommendation {recommendation_id!r}", path=("input", "recommendationId")
                )
            status = None if current is None else RecommendationStatus(current)
            if looked.was_decided_since(status, slo_id):
                raise Conflict(
                    f"somebody else decided on {service_id!r} at the same time; look again before you decide",
                )
            # Documents never change, so that under the lock only the status is read again.
            stands = looked if status is None else _with_status(looked, status)
            decision = choose(stands.recommendation, stands.slo)
            made = recorded(
                decision,
                stands,
                actor=actor,
                recommendation_id=recommendation_id,
                now=now,
                head=ChainHead(sequence, head_hash),
            )
            await _write(transaction, made, decision, recommendation_id, now, key)
            return made

        return await self._connection.in_write(work, knows_itself=True)

    async def standing(self, recommendation_id: str) -> Standing | None:
        """From the leader: with what a replica that lags would show, the decider would lose for nothing."""
        rows = await self._connection.read_from_leader("decision_standing", recommendation_id=recommendation_id)
        for document, status, slo, service in rows:
            return Standing(
                recommendation_of(document, status),
                None if slo is None else decode(Slo, slo),
                None if service is None else service_of(service),
            )
        return None

    async def _look(self, about: dict[str, Any]) -> Standing:
        [(document, status, slo)] = await self._connection.read_from_leader("decision_inputs", **about)
        return Standing(
            None if document is None else recommendation_of(document, status),
            None if slo is None else decode(Slo, slo),
        )

    async def active(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Slo]:
        """Active SLOs; services without one are absent."""
        rows = await self._connection.read("active_slos", service_ids=list(service_ids), sli_type=sli_type.value)
        return {service_id: decode(Slo, document) async for service_id, document in in_turns(rows)}

    async def sequence(self) -> int:
        """Of the newest entry, as the head of the trail says."""
        rows = await self._connection.read("audit_head")
        return int(rows[0][0]) if rows else 0

    async def decided_since(self, sequence: int, limit: int, sli_type: SliType) -> DecidedSince:
        """From the leader: who has just decided must find that again."""
        rows = await self._connection.read_from_leader(
            "decisions_since", sequence=sequence, limit=limit, sli_type=sli_type.value
        )
        for newest, service_ids, active in rows:
            slos = {service_id: decode(Slo, document) for service_id, document in active}
            return DecidedSince(int(newest), tuple(service_ids), slos)
        return DecidedSince(0)

    async def slos_by_id(self, slo_ids: Sequence[str]) -> Mapping[str, Slo]:
        """These SLOs, active or not."""
        rows = await self._connection.read("slos_by_id", slo_ids=list(slo_ids))
        return {slo_id: decode(Slo, document) for slo_id, document in rows}

    async def audit(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEvent]:
        """Newest first."""
        limit = rows_to_read(page)
        [before_sequence] = key_of(page.after, int) or [None]
        filters: dict[str, Any] = {
            "service_id": wanted.service_id,
            "actor": wanted.actor,
            "actions": None if wanted.actions is None else [action.value for action in wanted.actions],
            "from_at": wanted.from_at,
            "to_at": wanted.to_at,
        }

        async def work(transaction: Transaction) -> tuple[list[Any], int]:
            rows = await transaction.rows(
                "read/page_of_audit", **filters, before_sequence=before_sequence, limit=limit
            )
            return rows, first_of(await transaction.rows("read/count_of_audit", **filters))

        rows, total = await self._connection.in_read(work)
        return page_of([entry_of(row) for row in rows], page, total, lambda entry: (entry.sequence,))

    async def audit_pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[AuditEvent]]:
        """The same page of each of these services' entries, newest first."""
        limit = rows_to_read(page)
        [before_sequence] = key_of(page.after, int) or [None]
        rows = await self._connection.read(
            "audit_pages",
            service_ids=list(dict.fromkeys(service_ids)),
            before_sequence=before_sequence,
            limit=limit,
        )
        return {
            service_id: page_of([entry_of(row) for row in entries], page, total, lambda entry: (entry.sequence,))
            for service_id, total, entries in rows
        }

    async def audit_by_id(self, audit_ids: Sequence[str]) -> Mapping[str, AuditEvent]:
        """These entries; unknown ids are absent."""
        rows = await self._connection.read("audit_by_id", audit_ids=list(audit_ids))
        return {row[0]: entry_of(row) for row in rows}

    async def verify(self) -> AuditIntegrity:
        """Recompute the whole chain; an entry that cannot be read any more is broken too."""

        async def work(transaction: Transaction) -> AuditIntegrity:
            head = await transaction.row("read/audit_head")
            expected = ChainHead(*head) if head else ChainHead()
            return await verified(transaction.stream("read/audit_trail"), expected)

        return await self._connection.in_read(work)


def _with_status(looked: Standing, status: RecommendationStatus) -> Standing:
    recommendation = looked.recommendation
    if recommendation is None or recommendation.status is status:
        return looked
    return replace(looked, recommendation=replace(recommendation, status=status))


async def _write(
    transaction: Transaction,
    made: Recorded,
    decision: Decision,
    recommendation_id: str | None,
    now: datetime,
    key: IdempotencyKey | None,
) -> None:
    entry, status = made.audit_event, decision.recommendation_status
    told = [
        event_properties(event, entry.sequence)
        for event in decision_events(decision, entry, recommendation_id, now)
    ]
    await transaction.rows(
        "write/record_decision",
        other_events=told[1:],
        to_tell=[{"audit_id": entry.audit_id, "at": now}] if decision.is_open else [],
        entry=entry_properties(entry),
        event=told[0],
        slo=None if decision.slo is None else slo_properties(decision.slo),
        recommendation_id=recommendation_id,
        status=None if status is None else status.value,
        key=None if key is None else key.answered(encode(made).decode()),
        now=now,
    )


async def verified(rows: AsyncGenerator[Sequence[Any]], head: ChainHead) -> AuditIntegrity:
    """Check a trail row by row; it may be longer than memory, and the rest of a broken one is not read."""
    check = ChainCheck()
    async with aclosing(rows):
        async for row in rows:
            if not check.holds(_readable(row)):
                break
    return check.against(head)


def _readable(row: Sequence[Any]) -> AuditEvent | None:
    try:
        return entry_of(row)
    except (ValueError, TypeError):
        return None
