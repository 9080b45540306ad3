"""What traces say about latency where no histogram does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from sloengine.domain.reliability.percentile_range import PercentileRange


class TraceLatency(Protocol):
    """A store of traces. Raises ``Unavailable`` when it does not answer (after its own retries)."""

    async def p99(
        self, service_ids: Collection[str], from_at: datetime, to_at: datetime
    ) -> Mapping[str, PercentileRange]:
        """The p99 of the requests that these services served in [from_at, to_at), as closely as it is known.

        Services without traces are absent.
        """
        ...
