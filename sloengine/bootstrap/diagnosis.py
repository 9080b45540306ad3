"""Is everything there that a recommendation needs? One finding a part, with what to do next."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import psutil

from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.domain.errors import DomainError
from sloengine.domain.topology.name_decisions import RememberedNames
from sloengine.domain.topology.name_rules import NameRules
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.discovery import HistogramKind
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource
from sloengine.infrastructure.queue.broker import living_workers
from sloengine.infrastructure.redis.connection import open_redis, ping
from sloengine.infrastructure.tempo.trace_latency import TempoTraceLatency

_ASKED_FOR = timedelta(days=1)
_LATE = timedelta(hours=3)
_GIB = 1024**3


class Health(StrEnum):
    """Red means that something a user relies on does not work."""

    OK = "ok"
    WARNING = "warning"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what was seen or is to be done."""

    part: str
    health: Health
    message: str


async def diagnose(settings: Settings) -> AsyncGenerator[Finding]:
    """Findings as they are made; a part that does not answer never hides the others."""
    yield Finding("python", Health.OK, f"{platform.python_version()} on {platform.machine()}")
    yield _memory()
    for part, look in _LOOKS:
        try:
            yield Finding(part, *await look(settings))
        except DomainError as error:
            yield Finding(part, Health.RED, error.message)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    health = Health.OK if free > 2 * _GIB else Health.WARNING
    hint = "" if health is Health.OK else "; the embedded Neo4j wants 2 GiB"
    return Finding("memory", health, f"{free / _GIB:.1f} GiB available{hint}")


type Seen = tuple[Health, str]


async def _neo4j(settings: Settings) -> Seen:
    async with open_database(settings) as stores:
        await stores.connection.check()
        states = await stores.migrator.status()
    pending = [state.name for state in states if state.applied_at is None]
    changed = [state.name for state in states if state.changed]
    if changed:
        return Health.RED, f"migrations were edited after they were applied: {', '.join(changed)}"
    if pending:
        return Health.RED, f"answers, but these migrations are pending: {', '.join(pending)}. sloengine migrate up"
    newer = [state.name for state in states if state.is_newer]
    if newer:
        return (
            Health.WARNING,
            f"{settings.neo4j_url} answers, its schema is of a newer version: {', '.join(newer)}",
        )
    return Health.OK, f"{settings.neo4j_url} answers, schema up to date ({len(states)} migrations)"


async def _redis(settings: Settings) -> Seen:
    async with open_redis(settings.required_redis_url()) as client:
        await ping(client)
    return Health.OK, "answers"


async def _workers(settings: Settings) -> Seen:
    count = await asyncio.to_thread(living_workers, settings.required_redis_url())
    if not count:
        return Health.RED, "no worker is alive: ingestions stay queued. Start `sloengine worker` (`up` does it)"
    return Health.OK, f"{count} alive"


async def _telemetry(settings: Settings) -> Seen:
    if settings.telemetry_kind is TelemetryKind.NONE:
        return Health.WARNING, "no source: set SLOENGINE_PROMETHEUS_URL, or load files with `sloengine load-sli`"
    if settings.telemetry_kind is TelemetryKind.SAMPLE:
        return Health.OK, f"the simulated sample organisation, seed {settings.sample_seed}"
    client = PrometheusClient(settings.prometheus_url or "", settings.prometheus_headers())
    try:
        source = PrometheusTelemetrySource(client, lambda: datetime.now(UTC))
        return await _conventions(settings, source)
    finally:
        await client.close()


_HISTOGRAM_WORDS = {
    HistogramKind.NONE: " without histogram",
    HistogramKind.CLASSIC: "",
    HistogramKind.NATIVE: " with native histograms",
}


async def _conventions(settings: Settings, source: PrometheusTelemetrySource) -> Seen:
    found = await source.conventions()
    if not found.requests:
        return (
            Health.RED,
            f"{source.name} answers, but has none of the metrics that docs/telemetry.md lists",
        )
    names = ", ".join(
        f"{c.preset.name} by {c.service_label}{_HISTOGRAM_WORDS[c.histogram]}" for c in found.requests
    )
    edges = "service-graph metrics" if found.edges else "no service-graph metrics"
    now = datetime.now(UTC)
    async with open_use_cases(settings) as use_cases:
        known = [s.service_id for s in (await use_cases.recommend.graph.snapshot()).services if not s.external]
        stored = await use_cases.read_name_rules()
        decided = await use_cases.read_name_rules.store.remembered_names()
    rules = None if stored is None else stored.rules

    async def saved() -> NameRules | None:
        return rules

    async def remembered() -> RememberedNames:
        return decided

    source.rules, source.remembered = saved, remembered
    matched = set(known) & set(await source.service_ids(now - _ASKED_FOR, now, known=known))
    missing = sorted(set(known) - matched)
    message = f"{source.name}: {names}; {edges}; {len(matched)} of {len(known)} services have series"
    if missing:
        return Health.WARNING, f"{message}; without: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}"
    return Health.OK, message


async def _traces(settings: Settings) -> Seen:
    if not settings.tempo_url:
        return (
            Health.OK,
            "SLOENGINE_TEMPO_URL is not set: services without a histogram are told nothing from traces",
        )
    tempo = TempoTraceLatency(settings.tempo_url, settings.tempo_headers(), attempts=1)
    try:
        # Any service will do: what may be missing is TraceQL metrics as such.
        now = datetime.now(UTC)
        await tempo.p99([""], now - timedelta(hours=1), now)
    finally:
        await tempo.close()
    return Health.OK, f"Tempo at {settings.tempo_url} answers TraceQL metrics"


async def _aggregation(settings: Settings) -> Seen:
    async with open_use_cases(settings) as use_cases:
        watermark = await use_cases.aggregate_telemetry.history.watermark()
    if watermark.aggregated_to is None:
        if settings.telemetry_kind is TelemetryKind.NONE:
            return Health.OK, "nothing is pulled: no telemetry source"
        return Health.WARNING, "nothing aggregated yet; the scheduler does it at two minutes past each hour"
    age = datetime.now(UTC) - watermark.aggregated_to
    message = f"complete up to {watermark.aggregated_to:%Y-%m-%d %H:%M} UTC"
    if watermark.last_error:
        return Health.RED, f"{message}; the last pull failed: {watermark.last_error}"
    if age > _LATE and settings.telemetry_kind is not TelemetryKind.NONE:
        hours = age / timedelta(hours=1)
        return Health.RED, f"{message}, {hours:.0f} h ago: is the scheduler running?"
    return Health.OK, message


async def _audit(settings: Settings) -> Seen:
    async with open_use_cases(settings) as use_cases:
        integrity = await use_cases.read_ledger.verify()
    if integrity.intact:
        return Health.OK, f"{integrity.checked} entries, chain intact"
    return (
        Health.RED,
        f"the chain is broken at entry {integrity.first_broken_sequence}: see `sloengine audit verify`",
    )


_LOOKS: tuple[tuple[str, Callable[[Settings], Awaitable[Seen]]], ...] = (
    ("neo4j", _neo4j),
    ("redis", _redis),
    ("workers", _workers),
    ("telemetry", _telemetry),
    ("traces", _traces),
    ("aggregation", _aggregation),
    ("audit", _audit),
)
