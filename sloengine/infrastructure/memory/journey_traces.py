"""Traced requests in a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sloengine.application.ports.journey_traces import TracedSample
from sloengine.domain.journeys.derive import TracedRequest


class MemoryJourneyTraces:
    """Keeps the ``JourneyTraces`` port."""

    def __init__(self, requests: Sequence[TracedRequest] = ()) -> None:
        self._requests = tuple(requests)

    async def sample(self, limit: int, from_at: datetime, to_at: datetime) -> TracedSample:
        """The first ones, whatever the time."""
        return TracedSample(self._requests[:limit])
