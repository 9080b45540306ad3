"""Whether what is shown rests on telemetry of today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory, Watermark

STALE_AFTER = timedelta(hours=3)


@dataclass(slots=True)
class Freshness:
    """The watermark, asked for at most every few seconds, because every read of a recommendation shows it."""

    history: SliHistory
    clock: Clock
    trusted_for: timedelta = timedelta(seconds=5)
    _known: tuple[datetime, Watermark] | None = field(default=None, init=False)

    async def watermark(self) -> Watermark:
        """How far the aggregation has come, as of a few seconds ago."""
        now = self.clock.now()
        if self._known is None or not timedelta() <= now - self._known[0] < self.trusted_for:
            self._known = (now, await self.history.watermark())
        return self._known[1]

    async def is_stale(self) -> bool:
        """The newest aggregated hour is older than 3 h, or the last pull failed."""
        watermark = await self.watermark()
        if watermark.aggregated_to is None or watermark.last_error is not None:
            return True
        return self.clock.now() - watermark.aggregated_to > STALE_AFTER
