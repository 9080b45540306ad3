"""Pull the hours that are missing from the telemetry source into the graph's aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.ports.telemetry_source import Pulled, TelemetrySource
from sloengine.domain.errors import Conflict, Unavailable
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOOKBACK = timedelta(days=90)
CHUNK = timedelta(days=5)
LOCK = "telemetry"
LOCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class AggregateTelemetryCommand:
    """``until`` None: the last complete hour. ``back_to`` None: from the watermark on, the first time 90 days."""

    until: datetime | None = None
    back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class AggregationReport:
    """What one run did.

    ``aggregated_to`` None: nothing has ever been aggregated. ``unknown``: identities of the source that the graph
    does not know; they are reported, not created. ``refused``: series not taken, and why. ``error``: why the run
    stopped early; hours before are kept.
    """

    source: str | None
    from_at: datetime | None
    aggregated_to: datetime | None
    hours: int = 0
    services: int = 0
    unknown: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    query_count: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AggregateTelemetry:
    """Run hourly by the worker; catches up on missed hours; safe to run twice.

    ``source`` None: there is no telemetry source, nothing is pulled. Each chunk of days is pulled whole, written,
    and only then the watermark moves past it: a run that dies or fails is taken up where it stopped.
    """

    graph: ServiceGraph
    history: SliHistory
    source: TelemetrySource | None
    locks: Locks
    clock: Clock
    chunk: timedelta = CHUNK

    async def __call__(self, command: AggregateTelemetryCommand) -> AggregationReport:
        """What was done; a source that does not answer is reported, not raised.

        Raises ``Conflict`` while another run is at it.
        """
        if self.source is None:
            watermark = await self.history.watermark()
            return AggregationReport(None, None, watermark.aggregated_to)
        async with self.locks.hold(LOCK, ttl_seconds=LOCK_SECONDS) as got:
            if not got:
                raise Conflict("telemetry is being aggregated already; it is taken up when that is done")
            return await self._catch_up(self.source, command)

    async def _catch_up(self, source: TelemetrySource, command: AggregateTelemetryCommand) -> AggregationReport:
        watermark = await self.history.watermark()
        until = floor_to(command.until or self.clock.now(), HOUR)
        report = AggregationReport(source.name, None, watermark.aggregated_to)
        try:
            start = await self._start(source, watermark, until, command.back_to)
            if start >= until:
                await self.history.set_watermark(replace(watermark, pulled_at=self.clock.now(), last_error=None))
                return report
            # Latency is kept per day: a day is always summed from its midnight, so that running twice is harmless.
            begin = floor_to(start, DAY)
            report = replace(report, from_at=start, hours=(until - start) // HOUR)
            known = {service.service_id for service in (await self.graph.snapshot()).services}
            offered = set(await source.service_ids(start, until))
            wanted = sorted(known & offered)
            report = replace(report, services=len(wanted), unknown=tuple(sorted(offered - known)))
            while begin < until:
                end = min(begin + self.chunk, until)
                pulled = await source.pull(wanted, begin, end)
                await self._write(pulled, known)
                report = replace(
                    report,
                    refused={**report.refused, **pulled.refused},
                    query_count=report.query_count + pulled.query_count,
                )
                watermark = Watermark(
                    max(end, watermark.aggregated_to or end), self.clock.now(), None, report.refused
                )
                await self.history.set_watermark(watermark)
                report = replace(report, aggregated_to=watermark.aggregated_to)
                begin = end
        except Unavailable as error:
            await self.history.set_watermark(replace(watermark, last_error=error.message))
            return replace(report, error=error.message)
        return report

    async def _start(
        self, source: TelemetrySource, watermark: Watermark, until: datetime, back_to: datetime | None
    ) -> datetime:
        oldest = until - LOOKBACK
        if back_to is not None:
            return max(floor_to(back_to, HOUR), oldest)
        if watermark.aggregated_to is not None:
            return max(watermark.aggregated_to, oldest)
        earliest = await source.earliest()
        return oldest if earliest is None else max(oldest, floor_to(earliest, HOUR))

    async def _write(self, pulled: Pulled, known: set[str]) -> None:
        await self.history.write(pulled.availability)
        await self.history.write_latency([in_days(history) for history in pulled.latency.values()])
        if pulled.edges is not None:
            edges = _among(pulled.edges, known)
            if edges.pairs:
                await self.history.write_edges(edges)


def floor_to(at: datetime, step: timedelta) -> datetime:
    """The last UTC multiple of the step at or before this time."""
    epoch = datetime.fromtimestamp(0, tz=at.tzinfo)
    return epoch + ((at - epoch) // step) * step


def in_days(hourly: LatencyHistory) -> LatencyHistory:
    """A history whose rows are hours, summed into days; a day none of whose hours has data stays NaN."""
    first = floor_to(hourly.start_at, DAY)
    offset = (hourly.start_at - first) // HOUR
    hours = len(hourly.counts)
    days = -(-(offset + hours) // 24)
    padded = np.full((days * 24, hourly.counts.shape[1]), np.nan)
    padded[offset : offset + hours] = hourly.counts
    by_day = padded.reshape(days, 24, -1)
    summed = np.where(np.isnan(by_day).all(axis=1), np.nan, np.nansum(by_day, axis=1))
    return LatencyHistory(
        hourly.service_id, first, hourly.bounds_seconds, summed, percentiles_only=hourly.percentiles_only
    )


def _among(edges: EdgePanel, known: set[str]) -> EdgePanel:
    rows: Sequence[int] = [i for i, pair in enumerate(edges.pairs) if known.issuperset(pair)]
    pairs = tuple(edges.pairs[row] for row in rows)
    return EdgePanel(pairs, edges.start_at, edges.step, edges.calls[list(rows)], edges.failed[list(rows)])
