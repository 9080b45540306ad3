"""Traced requests in a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sloengine.domain.journeys.derive import TracedRequest


class MemoryJourneyTraces:
    """Keeps the ``JourneyTraces`` port."""

    def __init__(self, requests: Sequence[TracedRequest] = ()) -> None:
        self._requests = tuple(requests)

    async def sample(self, limit: int, from_at: datetime, to_at: datetime) -> Sequence[TracedRequest]:
        """The first ones, whatever the time."""
        return self._requests[:limit]
