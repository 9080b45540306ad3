"""Hand events that were written with a change over to their readers."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.outbox import EventStream, Outbox


@dataclass(frozen=True, slots=True)
class RelayOutbox:
    """A crash between publishing and marking publishes again; the stream drops the second one."""

    outbox: Outbox
    stream: EventStream
    batch_size: int = 500

    async def __call__(self) -> int:
        """How many were relayed."""
        relayed = 0
        while events := await self.outbox.pending(self.batch_size):
            await self.stream.publish(events)
            await self.outbox.relayed([event.event_id for event in events])
            relayed += len(events)
            if len(events) < self.batch_size:
                break
        return relayed
