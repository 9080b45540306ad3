"""The hours that the hourly aggregation has not come to yet, for a few services that are asked for now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.telemetry_source import Pulled, TelemetrySource
from sloengine.application.telemetry.aggregate_telemetry import CHUNK, LOOKBACK
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to, store_pulled
from sloengine.domain.errors import Unavailable


@dataclass(frozen=True, slots=True)
class MissingHours:
    """What a few services lack.

    ``as_of``: the hour up to which their history is complete once that is stored. ``from_at``: the midnight from
    which on it is pulled; None: nothing is missing. ``behind``: the services; ``slow``: those of them whose
    histograms are wanted as well.
    """

    as_of: datetime
    from_at: datetime | None = None
    behind: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()


@dataclass(slots=True)
class PullMissingHours:
    """Fills the gap between the watermark and the last whole hour. The watermark stays: others are still missing.

    Remembers what this process has pulled and stored, so that one hour's gap is filled once a service. Histograms,
    which are most of the data, are pulled of those services only whose latency is wanted.
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
        """Pull and store; the hour up to which these services' history is then complete.

        ``latency_of``: those of them whose histograms are wanted as well, None all.
        Raises ``Unavailable`` when the source is down.
        """
        missing = await self.missing(service_ids, latency_of)
        await self.fill(missing)
        return missing.as_of

    async def missing(self, service_ids: Sequence[str], latency_of: Sequence[str] | None = None) -> MissingHours:
        """What has to be pulled for these. Without a source history is complete up to the end of what was loaded.

        Parameters and errors: as of a call.
        """
        now = floor_to(self.clock.now(), HOUR)
        watermark = await self.history.watermark()
        if self.source is None:
            return MissingHours(now if watermark.aggregated_to is None else watermark.aggregated_to)
        begin = watermark.aggregated_to
        if begin is not None and begin >= now:
            return MissingHours(begin)
        slow = [
            key
            for key in (service_ids if latency_of is None else latency_of)
            if self._latency_pulled_to.get(key, begin) != now
        ]
        behind = [key for key in service_ids if self._pulled_to.get(key, begin) != now]
        behind = list(dict.fromkeys([*behind, *slow]))
        if not behind:
            return MissingHours(now)
        if begin is None:
            earliest = await self.source.earliest()
            begin = now - LOOKBACK if earliest is None else max(earliest, now - LOOKBACK)
        from_at = floor_to(max(begin, now - LOOKBACK), DAY)
        return MissingHours(now, from_at if from_at < now else None, tuple(behind), tuple(slow))

    def at_once(self, missing: MissingHours) -> bool:
        """Whether it can be pulled in one piece, and anything is missing."""
        return missing.from_at is not None and missing.as_of - missing.from_at <= self.chunk

    async def fill(self, missing: MissingHours) -> None:
        """Pull and store it, piece by piece. Raises ``Unavailable`` when the source is down."""
        if not missing.behind:
            return
        at = missing.from_at
        while at is not None and at < missing.as_of:
            end = min(at + self.chunk, missing.as_of)
            await store_pulled(self.history, await self._pull(missing, at, end), set(missing.behind))
            at = end
        self._note(missing)

    async def pull(self, missing: MissingHours) -> Pulled:
        """All of it, not stored yet. Raises ``Unavailable`` when the source is down."""
        return await self._pull(missing, missing.from_at or missing.as_of, missing.as_of)

    async def store(self, missing: MissingHours, pulled: Pulled) -> None:
        """Store what was pulled. Until that is done the hours count as missing: who asks meanwhile pulls again."""
        await store_pulled(self.history, pulled, set(missing.behind))
        self._note(missing)

    async def _pull(self, missing: MissingHours, from_at: datetime, to_at: datetime) -> Pulled:
        if self.source is None:
            raise Unavailable("there is no telemetry source")
        return await self.source.pull(missing.behind, from_at, to_at, latency_of=missing.slow)

    def _note(self, missing: MissingHours) -> None:
        self._pulled_to.update(dict.fromkeys(missing.behind, missing.as_of))
        self._latency_pulled_to.update(dict.fromkeys(missing.slow, missing.as_of))
        self.filled += 1
