"""What requests did lately, as traces saw it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sloengine.domain.journeys.derive import TracedRequest


class JourneyTraces(Protocol):
    """Traces of whole requests."""

    async def sample(self, limit: int, from_at: datetime, to_at: datetime) -> Sequence[TracedRequest]:
        """At most ``limit`` requests of the time, whichever the source finds first. Raises ``Unavailable``."""
        ...
