"""From settings to use cases: the outside systems that they name, connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from sloengine import __version__
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.journey_traces import JourneyTraces
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.telemetry_source import TelemetrySource
from sloengine.application.ports.trace_latency import TraceLatency
from sloengine.bootstrap.adapters import Adapters
from sloengine.bootstrap.container import UseCases, wire
from sloengine.bootstrap.discoveries import MISSING_DISCOVERIES, configured_discoveries
from sloengine.bootstrap.platforms import MISSING_PLATFORMS, platforms, team_authority
from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.domain.errors import Unavailable
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.topology.name_decisions import RememberedNames
from sloengine.domain.topology.name_rules import NameRules
from sloengine.infrastructure.clock import SystemClock
from sloengine.infrastructure.documents import prepare
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups
from sloengine.infrastructure.learning.shap_values import ShapValues
from sloengine.infrastructure.neo4j import open_neo4j
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource
from sloengine.infrastructure.queue.broker import redis_broker
from sloengine.infrastructure.queue.dramatiq_job_queue import DramatiqJobQueue
from sloengine.infrastructure.redis.connection import open_redis, ping
from sloengine.infrastructure.redis.event_stream import RedisEventStream
from sloengine.infrastructure.redis.locks import RedisLocks
from sloengine.infrastructure.redis.recommendation_cache import RedisRecommendationCache
from sloengine.infrastructure.tempo.journey_traces import TempoJourneyTraces
from sloengine.infrastructure.tempo.trace_latency import TempoTraceLatency


@asynccontextmanager
async def open_served(settings: Settings) -> AsyncGenerator[UseCases]:
    """The same for a process that answers questions as long as it lives: what takes long to make ready for them is
    made beside them.
    """
    prepare(Slo, Recommendation)
    async with open_use_cases(settings) as use_cases:
        beside = asyncio.create_task(use_cases.keep_impact_ready())
        try:
            yield use_cases
        finally:
            beside.cancel()
            await asyncio.wait([beside])


@asynccontextmanager
async def open_use_cases(settings: Settings) -> AsyncGenerator[UseCases]:
    """Connect to everything that the settings name; connections belong to the event loop that opens them.

    Nothing is asked of Neo4j or Redis before the first call, so a process starts while they are on their way.
    Raises ``Unavailable`` when the settings name none.
    """
    url, user, password = settings.required_neo4j()
    redis_url = settings.required_redis_url()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_neo4j(url, user, password, database=settings.neo4j_database))
        stores.connection.ask_before_writing(stores.migrator.require_current)
        redis = await stack.enter_async_context(open_redis(redis_url))
        broker = redis_broker(redis_url)
        stack.callback(broker.client.close)

        async def name_rules() -> NameRules | None:
            saved = await stores.discovery.name_rules()
            return None if saved is None else saved.rules

        telemetry = await _telemetry(settings, clock, name_rules, stores.discovery.remembered_names, stack)

        async def readiness() -> Mapping[str, str | None]:
            neo4j_says, redis_says = await asyncio.gather(
                _problem(stores.migrator.require_current()), _problem(ping(redis))
            )
            found = {"neo4j": neo4j_says, "redis": redis_says}
            if telemetry is not None and neo4j_says is None:
                found["telemetry"] = await _last_pull(stores.sli_history)
            return found

        use_cases = wire(
            Adapters(
                graph=stores.graph,
                ingestions=stores.ingestions,
                sli_history=stores.sli_history,
                recommendations=stores.recommendations,
                recommendation_jobs=stores.recommendation_jobs,
                priors=stores.priors,
                calibrations=stores.calibrations,
                ledger=stores.ledger,
                outbox=stores.outbox,
                event_log=stores.event_log,
                drift=stores.drift,
                forecasts=stores.forecasts,
                divergences=stores.divergences,
                discovery=stores.discovery,
                overviews=stores.overviews,
                journeys=stores.journeys,
                centrality=stores.centrality,
                cache=RedisRecommendationCache(redis, engine_version=__version__),
                locks=RedisLocks(redis),
                stream=RedisEventStream(redis),
                queue=DramatiqJobQueue(broker),
                clock=clock,
                telemetry=telemetry,
                shapley=ShapValues(),
                grouping=SilhouetteGroups(),
                readiness=readiness,
                traces=_traces(settings, stack),
                journey_traces=_journey_traces(settings, stack),
                discoveries=[
                    *configured_discoveries(settings, telemetry, stack),
                    *platforms(settings, stack),
                ],
                missing_discoveries={**MISSING_DISCOVERIES, **MISSING_PLATFORMS},
                discover_every=settings.discover_every(),
                teams=team_authority(settings),
            ),
            risk=RiskThreshold(settings.at_risk_probability),
        )
        stack.push_async_callback(use_cases.follow_events.feed.close)
        yield use_cases


def _traces(settings: Settings, stack: AsyncExitStack) -> TraceLatency | None:
    if not settings.tempo_url:
        return None
    tempo = TempoTraceLatency(settings.tempo_url, settings.tempo_headers())
    stack.push_async_callback(tempo.close)
    return tempo


def _journey_traces(settings: Settings, stack: AsyncExitStack) -> JourneyTraces | None:
    if not settings.tempo_url:
        return None
    tempo = TempoJourneyTraces(settings.tempo_url, settings.tempo_headers())
    stack.push_async_callback(tempo.close)
    return tempo


async def _telemetry(
    settings: Settings,
    clock: Clock,
    rules: Callable[[], Awaitable[NameRules | None]],
    remembered: Callable[[], Awaitable[RememberedNames]],
    stack: AsyncExitStack,
) -> TelemetrySource | None:
    match settings.telemetry_kind:
        case TelemetryKind.SAMPLE:
            # Imported here, because the simulator takes long to load and only a demonstration needs it.
            from sloengine.infrastructure.sample.telemetry_source import SampleTelemetrySource  # noqa: PLC0415

            return await asyncio.to_thread(SampleTelemetrySource, clock, seed=settings.sample_seed)
        case TelemetryKind.PROMETHEUS:
            client = PrometheusClient(settings.prometheus_url or "", settings.prometheus_headers())
            stack.push_async_callback(client.close)
            return PrometheusTelemetrySource(
                client,
                clock.now,
                throttling_label=settings.throttling_label,
                rules=rules,
                remembered=remembered,
            )
        case TelemetryKind.NONE:
            return None


async def _last_pull(history: SliHistory) -> str | None:
    """What was wrong with the last pull of telemetry: asking the source itself would cost it at every probe."""
    try:
        return (await history.watermark()).last_error
    except Unavailable as error:
        return error.message


async def _problem(check: Awaitable[object]) -> str | None:
    try:
        await check
    except Unavailable as error:
        return error.message
    return None
