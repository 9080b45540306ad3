"""Drift in Neo4j: one node a watched series, one an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sloengine.application.ports.drift_store import DriftFilter, SeriesKey, WatchUpdate
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.together import Onset
from sloengine.domain.drift.watch import Watch
from sloengine.domain.governance.hash_chain import ChainHead
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.drift_records import confirmed_event, drift_entry
from sloengine.infrastructure.neo4j.audit_rows import entry_properties
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.instants import instant, microseconds
from sloengine.infrastructure.neo4j.outbox import event_properties
from sloengine.infrastructure.watch_documents import FORMAT, StoredWatch, pack, unpack

_WATCHES_AT_ONCE = 3_000


class Neo4jDriftStore:
    """Keeps the ``DriftStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def watches(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, tuple[Watch, int]]:
        """Stored watches and their revisions."""
        rows = await self._connection.read("drift_watches", service_ids=list(service_ids), format=FORMAT)
        return {
            (service_id, ObjectiveKind(kind)): (unpack(StoredWatch(state, scores, baseline)), revision)
            for service_id, kind, revision, state, scores, baseline in rows
        }

    async def reached(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, int]:
        """Up to which hour each has judged."""
        rows = await self._connection.read("drift_reached", service_ids=list(service_ids), format=FORMAT)
        return {(service_id, ObjectiveKind(kind)): hour for service_id, kind, hour in rows}

    async def save(self, updates: Sequence[WatchUpdate]) -> Sequence[SeriesKey]:
        """Store watches with their events; in one transaction up to 3,000."""
        saved: list[SeriesKey] = []
        for start in range(0, len(updates), _WATCHES_AT_ONCE):
            rows = [_parameters(update) for update in updates[start : start + _WATCHES_AT_ONCE]]
            stored = await self._connection.write("save_drift_watches", rows=rows, format=FORMAT)
            saved.extend((service_id, ObjectiveKind(kind)) for service_id, kind in stored)
        return saved

    async def unfinished(self, limit: int) -> Sequence[DriftEvent]:
        """Still to be looked at, oldest first."""
        return [_event_of(*row) for row in await self._connection.read("unfinished_drift", limit=limit)]

    async def finish(self, event: DriftEvent, *, actor: str, rationale: str, now: datetime) -> bool:
        """Record what re-evaluation gave, under the lock of the audit trail's head."""
        outcome = replace(event, reevaluated_at=now)

        async def work(transaction: Transaction) -> bool:
            row = await transaction.row("write/lock_drift_event", event_id=event.event_id, now=now)
            if row is None:
                return False
            entry = drift_entry(event, actor=actor, rationale=rationale, now=now, head=ChainHead(*row))
            told = confirmed_event(event, entry, now)
            await transaction.rows(
                "write/finish_drift",
                event_id=event.event_id,
                recommendation_id=event.recommendation_id,
                outcome=encode(outcome).decode(),
                entry=entry_properties(entry),
                told=event_properties(told, entry.sequence),
                now=now,
            )
            return True

        return await self._connection.in_write(work)

    async def newest(
        self, service_ids: Sequence[str] | None, sli_type: SliType, since: datetime
    ) -> Mapping[str, DriftEvent]:
        """The newest event of each service."""
        asked = {"sli_type": sli_type.value, "since": since}
        if service_ids is None:
            rows = await self._connection.read("all_newest_drift", **asked)
        else:
            rows = await self._connection.read("newest_drift", service_ids=list(service_ids), **asked)
        return {event.service_id: event for event in (_event_of(*row) for row in rows)}

    async def page(self, wanted: DriftFilter, page: PageRequest) -> Page[DriftEvent]:
        """Newest first."""
        filters: dict[str, Any] = {
            "service_id": wanted.service_id,
            "sli_type": None if wanted.sli_type is None else wanted.sli_type.value,
            "from_at": wanted.from_at,
        }
        position = _position(page)

        async def work(transaction: Transaction) -> tuple[list[Any], int]:
            rows = await transaction.rows("read/page_of_drift", **filters, **position)
            return rows, first_of(await transaction.rows("read/count_of_drift", **filters))

        rows, total = await self._connection.in_read(work)
        return page_of([_event_of(*row) for row in rows], page, total, _key)

    async def pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[DriftEvent]]:
        """The same page of each."""
        wanted = list(dict.fromkeys(service_ids))
        rows = await self._connection.read("drift_pages", service_ids=wanted, **_position(page))
        return {
            service_id: page_of([_event_of(*row) for row in events], page, total, _key)
            for service_id, total, events in rows
        }

    async def onsets(self, from_at: datetime, until: datetime) -> Sequence[Onset]:
        """When changes began."""
        rows = await self._connection.read("drift_onsets", from_at=from_at, until=until)
        return [Onset(event_id, service_id, instant(started_us)) for event_id, service_id, started_us in rows]

    async def by_id(self, event_ids: Sequence[str]) -> Mapping[str, DriftEvent]:
        """These events."""
        rows = await self._connection.read("drift_by_id", event_ids=list(event_ids))
        return {event.event_id: event for event in (_event_of(*row) for row in rows)}


def _key(event: DriftEvent) -> tuple[Any, ...]:
    return microseconds(event.detected_at), event.event_id


def _position(page: PageRequest) -> dict[str, Any]:
    limit = rows_to_read(page)
    before_us, after_id = key_of(page.after, int, str) or (None, None)
    return {"before_us": before_us, "after_id": after_id, "limit": limit}


def _event_of(document: str, outcome: str | None) -> DriftEvent:
    """The event, with what its re-evaluation gave: the two are written apart, by different hands."""
    event = decode(DriftEvent, document)
    if outcome is None:
        return event
    known = decode(DriftEvent, outcome)
    return replace(
        event,
        reevaluated_at=known.reevaluated_at,
        recommendation_id=known.recommendation_id,
        targets=known.targets,
    )


def _parameters(update: WatchUpdate) -> dict[str, Any]:
    stored = pack(update.watch)
    return {
        "service_id": update.service_id,
        "kind": update.kind.value,
        "revision": update.revision,
        "reached": update.watch.reached,
        "state": stored.state,
        "scores": stored.scores,
        "relearnt": update.relearnt,
        "baseline": stored.baseline if update.relearnt else None,
        "events": [_event_properties(event) for event in update.events],
    }


def _event_properties(event: DriftEvent) -> dict[str, Any]:
    """An event as a node: its document, and beside it what ad-hoc Cypher asks for."""
    alone = replace(event, reevaluated_at=None, recommendation_id=None, targets=())
    return {
        "event_id": event.event_id,
        "service_id": event.service_id,
        "sli_type": event.sli_type.value,
        "kind": event.kind.value,
        "detected_at": event.detected_at,
        "started_at": event.started_at,
        "last_alarm_at": event.last_alarm_at,
        "alarms": event.alarms,
        "votes": [vote.value for vote in event.votes],
        "level_before": event.before,
        "level_after": event.after,
        "document": encode(alone).decode(),
    }
