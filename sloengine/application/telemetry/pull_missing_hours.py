"""The hours that the hourly aggregation has not come to yet, for a few services that are asked for now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.application.telemetry.aggregate_telemetry import CHUNK, LOOKBACK
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to, store_pulled


@dataclass(slots=True)
class PullMissingHours:
    """Fills the gap between the watermark and the last whole hour. The watermark stays: others are still missing.

    Remembers what this process has pulled, so that one hour's gap is filled once a service. Histograms, which are
    most of the data, are pulled of those services only whose latency is wanted.
    """

    history: SliHistory
    source: TelemetrySource | None
    clock: Clock
    chunk: timedelta = CHUNK
    filled: int = field(default=0, init=False)
    """Moves whenever hours were filled in."""
    _pulled_to: dict[str, datetime] = field(default_factory=dict, init=False)
    _latency_pulled_to: dict[str, datetime] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """Pull again for every service at its next call, as a process does that has just started."""
        self._pulled_to.clear()
        self._latency_pulled_to.clear()

    async def __call__(self, service_ids: Sequence[str], latency_of: Sequence[str] | None = None) -> datetime:
        """The hour up to which these services' history is then complete: the as-of of a recommendation.

        ``latency_of``: those of them whose histograms are wanted as well, None all.
        Without a source that is the end of what was loaded. Raises ``Unavailable`` when the source is down.
        """
        now = floor_to(self.clock.now(), HOUR)
        watermark = await self.history.watermark()
        if self.source is None:
            return now if watermark.aggregated_to is None else watermark.aggregated_to
        begin = watermark.aggregated_to
        if begin is not None and begin >= now:
            return begin
        slow = [
            key
            for key in (service_ids if latency_of is None else latency_of)
            if self._latency_pulled_to.get(key, begin) != now
        ]
        behind = [key for key in service_ids if self._pulled_to.get(key, begin) != now]
        behind = list(dict.fromkeys([*behind, *slow]))
        if not behind:
            return now
        if begin is None:
            earliest = await self.source.earliest()
            begin = now - LOOKBACK if earliest is None else max(earliest, now - LOOKBACK)
        at = floor_to(max(begin, now - LOOKBACK), DAY)
        while at < now:
            end = min(at + self.chunk, now)
            await store_pulled(self.history, await self.source.pull(behind, at, end, latency_of=slow), set(behind))
            at = end
        self._pulled_to.update(dict.fromkeys(behind, now))
        self._latency_pulled_to.update(dict.fromkeys(slow, now))
        self.filled += 1
        return now
