"""Retention: hourly detail stays 90 days, daily sums one year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, floor_to


@dataclass(frozen=True, slots=True)
class PruneHistory:
    """Run daily. A day more than the look-back is kept, so that a full look-back has one step.

    The look-back ends with the data. Were detail folded by the clock, a few days without any, of a source that is
    down or of files that are loaded now and then, would leave one day of sums in it, and all of it would be read
    by the day.
    """

    history: SliHistory
    clock: Clock
    detail: timedelta = timedelta(days=92)
    sums: timedelta = timedelta(days=366)

    async def __call__(self) -> int:
        """Number of aggregates touched."""
        now = self.clock.now()
        newest = (await self.history.watermark()).aggregated_to or now
        today, last = floor_to(now, DAY), floor_to(min(now, newest), DAY)
        all_before = today - self.sums
        return await self.history.prune(detail_before=max(last - self.detail, all_before), all_before=all_before)
