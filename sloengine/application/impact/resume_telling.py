"""Sweep for decisions of which nobody has looked whose objective they break: their message was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ResumeTelling:
    """Enqueue again what a decision noted and ``TellCallers`` has not done for a while."""

    outbox: Outbox
    queue: JobQueue
    clock: Clock
    patience: timedelta = timedelta(seconds=60)
    limit: int = 100

    async def __call__(self) -> Sequence[str]:
        """Audit ids enqueued again, oldest first. Raises ``Unavailable`` when the queue is away."""
        waiting = await self.outbox.to_tell(self.clock.now() - self.patience, self.limit)
        for audit_id in waiting:
            await self.queue.enqueue("governance.tell_callers", audit_id=audit_id)
        return waiting
