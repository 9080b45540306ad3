"""Events written with the change they speak of, relayed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """``kind`` such as ``SloChanged``; ``payload`` holds ids only."""

    event_id: str
    kind: str
    service_id: str | None
    at: datetime
    payload: Mapping[str, Any]


class Outbox(Protocol):
    """Pending events, oldest first; relaying one twice must be harmless."""

    async def append(self, event: OutboxEvent) -> None:
        """One that belongs to no other change; an id appended before is not appended again."""
        ...

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Not yet relayed."""
        ...

    async def relayed(self, event_ids: Sequence[str]) -> None:
        """Mark as done."""
        ...


class EventStream(Protocol):
    """Where relayed events go; kept for readers that reconnect."""

    async def publish(self, events: Sequence[OutboxEvent]) -> None:
        """Append, in order; an event id seen before is not appended again."""
        ...
