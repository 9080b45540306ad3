"""Events written with the change they speak of, relayed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """``kind`` such as ``SloChanged``; ``payload`` holds ids, and what will have changed when somebody reads it.

    ``number`` is its place in the one order that all readers see, from 1 and without a gap; None: not relayed yet.
    """

    event_id: str
    kind: str
    service_id: str | None
    at: datetime
    payload: Mapping[str, Any]
    number: int | None = field(default=None, compare=False)


class Outbox(Protocol):
    """Pending events, oldest first; relaying one twice must be harmless."""

    async def to_tell(self, older_than: datetime, limit: int) -> Sequence[str]:
        """Audit ids of decisions up to then whose callers have still to be looked at, oldest first."""
        ...

    async def callers_told(self, audit_id: str, event: OutboxEvent | None) -> None:
        """The callers of this decision have been looked at. In one transaction with what they are told: an event
        whose id was appended before is not appended again; None: nobody's objective breaks.
        """
        ...

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Not yet relayed, in the order of their numbers. Those that have none get the next ones, for good:
        several relays at once never give a number twice, and one that can be seen has all before it to be seen.
        """
        ...

    async def relayed(self, event_ids: Sequence[str]) -> None:
        """Mark as done."""
        ...


class EventLog(Protocol):
    """Relayed and numbered events as the database keeps them, for a week: what a stream may lose."""

    async def newest(self) -> int:
        """The last number that was given; 0: none. Everything that is committed by now can be read afterwards."""
        ...

    async def after(self, number: int, limit: int) -> Sequence[OutboxEvent]:
        """The oldest that are kept behind this number, in order: ``number + 1`` first, unless that is gone."""
        ...


class EventStream(Protocol):
    """Where relayed events go, at once. It may lose them, repeat them, and swap those of two relays."""

    async def publish(self, events: Sequence[OutboxEvent]) -> None:
        """Append, in order; an event id seen before is not appended again."""
        ...

    async def end(self) -> str:
        """The place behind all that is in the stream now."""
        ...

    async def after(self, place: str, wait_seconds: float) -> tuple[str, Sequence[OutboxEvent]]:
        """What came behind this place, and the place behind that; waits so long for the first, then gives none."""
        ...
