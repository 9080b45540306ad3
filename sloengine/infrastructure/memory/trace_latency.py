"""What traces say, as it was handed over."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sloengine.domain.errors import Unavailable
from sloengine.domain.reliability.percentile_range import PercentileRange


class MemoryTraceLatency:
    """Keeps the ``TraceLatency`` port; ``is_down`` makes it behave as a server that does not answer."""

    def __init__(self, ranges: Mapping[str, PercentileRange]) -> None:
        self.ranges = dict(ranges)
        self.is_down = False
        self.asked: list[tuple[str, ...]] = []

    async def p99(
        self, service_ids: Collection[str], from_at: datetime, to_at: datetime
    ) -> Mapping[str, PercentileRange]:
        """Of those asked for, whatever the time."""
        if self.is_down:
            raise Unavailable("the recorded traces do not answer")
        self.asked.append(tuple(sorted(service_ids)))
        return {one: self.ranges[one] for one in service_ids if one in self.ranges} if from_at < to_at else {}
