"""Pull the hours that are missing from the telemetry source into the graph's aggregates."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.application.ports.trace_latency import TraceLatency
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to, store_pulled
from sloengine.domain.errors import Conflict, Unavailable
from sloengine.domain.reliability.percentile_range import PercentileRange

LOOKBACK = timedelta(days=90)
CHUNK = timedelta(days=5)
SETTLED = timedelta(hours=2)
"""Hours are asked for again until they are so old: samples that are sent on, by remote write or a collector, may
come late."""
LOCK = "telemetry"
WORTH_NOTING = 0.01
"""Share of throttled periods below which nothing is kept."""
LOCK_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AggregateTelemetryCommand:
    """``until`` None: the last complete hour. ``back_to`` None: from the watermark on, the first time 90 days."""

    until: datetime | None = None
    back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class AggregationReport:
    """What one run did.

    ``aggregated_to`` None: nothing has ever been aggregated. ``unknown``: identities of the source that the graph
    does not know; they are reported, not created. ``newcomers``: services that joined the graph since and
    whose past was read in. ``refused``: series not taken, and why. ``error``: why the run stopped early; hours
    before are kept.
    """

    source: str | None
    from_at: datetime | None
    aggregated_to: datetime | None
    hours: int = 0
    services: int = 0
    unknown: tuple[str, ...] = ()
    newcomers: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    query_count: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AggregateTelemetry:
    """Run hourly by the worker; catches up on missed hours and on the past of new services; safe to run twice.

    ``source`` None: there is no telemetry source, nothing is pulled. ``traces``: asked about services that have no
    histogram. Each chunk of days is pulled whole, written, and only then the watermark moves past it: a run that
    dies or fails is taken up where it stopped.
    """

    graph: ServiceGraph
    history: SliHistory
    source: TelemetrySource | None
    locks: Locks
    clock: Clock
    chunk: timedelta = CHUNK
    traces: TraceLatency | None = None

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
            if start < until:
                report = await self._pull_hours(source, watermark, report, start, until)
            else:
                await self.history.set_watermark(replace(watermark, pulled_at=self.clock.now(), last_error=None))
        except Unavailable as error:
            newest = await self.history.watermark()
            await self.history.set_watermark(replace(newest, last_error=error.message))
            return replace(report, aggregated_to=newest.aggregated_to, error=error.message)
        return await self._pull_past(source, report, until)

    async def _pull_hours(
        self,
        source: TelemetrySource,
        watermark: Watermark,
        report: AggregationReport,
        start: datetime,
        until: datetime,
    ) -> AggregationReport:
        """The hours of every service that the graph knows."""
        # Latency is kept per day: a day is always summed from its midnight, so that running twice is harmless. The
        # last hours of a day are settled when the next one has begun.
        begin = floor_to(start if watermark.aggregated_to is None else start - SETTLED, DAY)
        report = replace(report, from_at=start, hours=(until - start) // HOUR)
        known = {service.service_id for service in (await self.graph.snapshot()).services}
        offered = set(await source.service_ids(start, until, known=known))
        wanted = sorted(known & offered)
        report = replace(report, services=len(wanted), unknown=tuple(sorted(offered - known)))
        if watermark.aggregated_to is None:
            # The first run is their past; noted first, so that one that breaks off is taken up where it stopped.
            await self.history.note_past(sorted(known), now=self.clock.now())
        measured: set[str] = set()
        while begin < until:
            end = min(begin + self.chunk, until)
            pulled = await source.pull(wanted, begin, end)
            await store_pulled(self.history, pulled, known)
            measured.update(pulled.latency)
            report = replace(
                report,
                refused={**report.refused, **pulled.refused},
                query_count=report.query_count + pulled.query_count,
            )
            watermark = replace(
                watermark,
                aggregated_to=max(end, watermark.aggregated_to or end),
                pulled_at=self.clock.now(),
                last_error=None,
                refused=report.refused,
            )
            await self.history.set_watermark(watermark)
            report = replace(report, aggregated_to=watermark.aggregated_to)
            begin = end
        throttled = await _throttling(source, wanted, until, watermark.throttled)
        traced = await _traced(self.traces, known - measured, until, watermark.traced_p99)
        await self.history.set_watermark(replace(watermark, throttled=throttled, traced_p99=traced))
        return report

    async def _pull_past(
        self, source: TelemetrySource, report: AggregationReport, until: datetime
    ) -> AggregationReport:
        """The past of services that joined the graph since the first run, with the calls to and from them.

        A source that cannot give it takes nothing from what was known before: it is asked again next time.
        """
        asked_at = self.clock.now()
        new = set(await self.history.without_past())
        if not new:
            return report
        graph = await self.graph.snapshot()
        try:
            begin = floor_to(await self._oldest(source, until), DAY)
            offered = new & set(await source.service_ids(begin, until, known=new))
            # Calls are pulled among the services asked for, so both ends have to be.
            around = offered.union(*(edge.pair for edge in graph.dependencies if offered & set(edge.pair)))
            known = {service.service_id for service in graph.services}
            while offered and begin < until:
                end = min(begin + self.chunk, until)
                pulled = await source.pull(sorted(around), begin, end, latency_of=offered)
                await store_pulled(self.history, pulled, known)
                report = replace(
                    report,
                    refused={**report.refused, **pulled.refused},
                    query_count=report.query_count + pulled.query_count,
                )
                begin = end
        except Unavailable as error:
            _log.warning("the past of %d new services could not be read: %s", len(new), error.message)
            return replace(report, error=error.message)
        await self.history.note_past(sorted(new), now=asked_at)
        return replace(report, newcomers=tuple(sorted(new)))

    async def _start(
        self, source: TelemetrySource, watermark: Watermark, until: datetime, back_to: datetime | None
    ) -> datetime:
        if back_to is not None:
            return max(floor_to(back_to, HOUR), until - LOOKBACK)
        if watermark.aggregated_to is not None:
            return max(watermark.aggregated_to, until - LOOKBACK)
        return await self._oldest(source, until)

    async def _oldest(self, source: TelemetrySource, until: datetime) -> datetime:
        earliest = await source.earliest()
        return until - LOOKBACK if earliest is None else max(until - LOOKBACK, floor_to(earliest, HOUR))


async def _throttling(
    source: TelemetrySource, wanted: Sequence[str], at: datetime, earlier: Mapping[str, float]
) -> Mapping[str, float]:
    """What is worth noting; what was known before where the source gives no answer, which fails nothing else."""
    try:
        shares = await source.cpu_throttling(wanted, at)
    except Unavailable as error:
        _log.warning("CPU throttling is not known anew: %s", error.message)
        return earlier
    return {service_id: round(share, 4) for service_id, share in shares.items() if share >= WORTH_NOTING}


async def _traced(
    traces: TraceLatency | None, without: Collection[str], at: datetime, earlier: Mapping[str, PercentileRange]
) -> Mapping[str, PercentileRange]:
    """What traces say of services without a histogram; what was known before where they do not answer."""
    if traces is None or not without:
        return {}
    try:
        return await traces.p99(without, at - HOUR, at)
    except Unavailable as error:
        _log.warning("latency from traces is not known anew: %s", error.message)
        return {service_id: known for service_id, known in earlier.items() if service_id in without}
