"""What requests did lately, as traces saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sloengine.domain.journeys.derive import TracedRequest


@dataclass(frozen=True, slots=True)
class TracedSample:
    """Requests, and what should be known of how they were found."""

    requests: Sequence[TracedRequest]
    warnings: tuple[str, ...] = ()


class JourneyTraces(Protocol):
    """Traces of whole requests."""

    async def sample(self, limit: int, from_at: datetime, to_at: datetime) -> TracedSample:
        """At most ``limit`` requests of the time, whichever the source finds first. Raises ``Unavailable``."""
        ...
