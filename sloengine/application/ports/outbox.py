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

    async def to_tell(self, older_than: datetime, limit: int) -> Sequence[str]:
        """Audit ids of decisions up to then whose callers have still to be looked at, oldest first."""
        ...

    async def callers_told(self, audit_id: str, event: OutboxEvent | None) -> None:
        """The callers of this decision have been looked at. In one transaction with what they are told: an event
        whose id was appended before is not appended again; None: nobody's objective breaks.
        """
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
