"""Events in Neo4j, written by the transactions they speak of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Row, Transaction, first_of
from sloengine.infrastructure.neo4j.instants import instant


class Neo4jOutbox:
    """Keeps the ``Outbox`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def to_tell(self, older_than: datetime, limit: int) -> Sequence[str]:
        """As decisions noted it, oldest first."""
        rows = await self._connection.read("decisions_to_tell", older_than=older_than, limit=limit)
        return [str(audit_id) for (audit_id,) in rows]

    async def callers_told(self, audit_id: str, event: OutboxEvent | None) -> None:
        """In one transaction; the event once by id, behind those of the moment that have a number."""
        events = [] if event is None else [event_properties(event, 0)]
        await self._connection.write("note_callers_told", audit_id=audit_id, events=events)

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Not yet relayed, numbered."""
        rows = await self._connection.read("pending_events", limit=limit)
        if any(row[0] is None for row in rows):
            await self._connection.in_write(_number(limit))
            rows = await self._connection.read("pending_events", limit=limit)
        return [_event(row) for row in rows if row[0] is not None]

    async def relayed(self, event_ids: Sequence[str]) -> None:
        """Mark as done; kept for a week."""
        await self._connection.write("mark_events_relayed", event_ids=list(event_ids))


class Neo4jEventLog:
    """Keeps the ``EventLog`` port. It asks the server that takes writes: for what that has answered, all later
    reads of this process wait, from replicas too.
    """

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def newest(self) -> int:
        """The last number that was given."""
        return first_of(await self._connection.read_from_leader("newest_event")) or 0

    async def after(self, number: int, limit: int) -> Sequence[OutboxEvent]:
        """Behind this number, oldest first."""
        rows = await self._connection.read_from_leader("events_after", number=number, limit=limit)
        return [_event(row) for row in rows]


def _number(limit: int) -> Callable[[Transaction], Awaitable[None]]:
    async def work(transaction: Transaction) -> None:
        await transaction.rows("write/lock_event_numbers")
        await transaction.rows("write/number_events", limit=limit)

    return work


def _event(row: Row) -> OutboxEvent:
    number, event_id, kind, service_id, at_us, payload = row
    return OutboxEvent(event_id, kind, service_id, instant(at_us), orjson.loads(payload), number)


def event_properties(event: OutboxEvent, sequence: int) -> dict[str, Any]:
    """An event as the node of a write; ``sequence`` orders events of the same moment."""
    return {
        "event_id": event.event_id,
        "kind": event.kind,
        "service_id": event.service_id,
        "at": event.at,
        "sequence": sequence,
        "payload": orjson.dumps(dict(event.payload)).decode(),
    }
