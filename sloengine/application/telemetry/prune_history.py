"""Retention: hourly detail stays 90 days, daily sums one year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, floor_to


@dataclass(frozen=True, slots=True)
class PruneHistory:
    """Run daily. A day more than the look-back is kept, so that a full look-back has one step."""

    history: SliHistory
    clock: Clock
    detail: timedelta = timedelta(days=92)
    sums: timedelta = timedelta(days=366)

    async def __call__(self) -> int:
        """Number of aggregates touched."""
        today = floor_to(self.clock.now(), DAY)
        return await self.history.prune(detail_before=today - self.detail, all_before=today - self.sums)
