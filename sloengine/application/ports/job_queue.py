"""Background work by name."""

from __future__ import annotations

from typing import Protocol


class JobQueue(Protocol):
    """Enqueues actors by name (``topology.merge_ingestion``) with ids, or lists of them, as arguments.

    Raises ``Unavailable`` when the broker is away; every caller's work is recorded durably before, and a sweep
    enqueues what was not.
    """

    async def enqueue(self, actor_name: str, /, **ids: str | list[str] | None) -> None:
        """Hand over one message."""
        ...
