"""``sloengine up``: the whole product on one machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder
from sloengine.bootstrap.container import open_use_cases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Environment, Settings, TelemetryKind
from sloengine.cli import first_data, output
from sloengine.cli.local_engine import (
    LocalEngine,
    base_url,
    changed,
    claimed,
    graphiql_url,
    refuse_taken_port,
)
from sloengine.cli.recommendation_text import print_overview
from sloengine.cli.steps import Steps
from sloengine.cli.topology import all_services
from sloengine.domain.errors import Invalid
from sloengine.infrastructure.embedded.free_port import free_port
from sloengine.infrastructure.embedded.private_files import replace_private_file
from sloengine.infrastructure.embedded.state_directory import StateDirectory
from sloengine.infrastructure.sample.organisation import sample_provenance

_WATCH_SECONDS = 0.5
_EXIT_INTERRUPTED = 130
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_NEXT_STEPS = """The graph is empty. What to do next, in another shell:
  sloengine ingest FILE                  services and dependencies from .csv, .json or .yaml
  sloengine load-sli FILE                good and total events from .csv
  make up ARGS="--prometheus-url URL"    telemetry of your own Prometheus
  sloengine doctor                       which services and metrics it has for them"""
_OWN_DATA, _ELSEWHERE = "Own data", "Servers that run already"

HttpPort = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of the API; 0: a free one. [default: 8000]", show_default=False),
]
StateDir = Annotated[
    Path | None,
    typer.Option(help="Data, logs and keys. [default: .sloengine]", show_default=False, file_okay=False),
]
Sample = Annotated[
    bool, typer.Option("--sample/--no-sample", help="Fill an empty graph with the simulated sample organisation.")
]
Edges = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Services and dependencies: .csv, .json or .yaml.",
        rich_help_panel=_OWN_DATA,
        show_default=False,
    ),
]
Sli = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="CSV: timestamp,service,good,total.",
        rich_help_panel=_OWN_DATA,
        show_default=False,
    ),
]
Latency = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="CSV: timestamp,service,le,count.",
        rich_help_panel=_OWN_DATA,
        show_default=False,
    ),
]
Neo4jUrl = Annotated[
    str | None,
    typer.Option(
        help="Use this Neo4j; SLOENGINE_NEO4J_USER and SLOENGINE_NEO4J_PASSWORD let one in.",
        rich_help_panel=_ELSEWHERE,
        show_default=False,
    ),
]
RedisUrl = Annotated[
    str | None, typer.Option(help="Use this Redis.", rich_help_panel=_ELSEWHERE, show_default=False)
]
PrometheusUrl = Annotated[
    str | None,
    typer.Option(help="Pull telemetry from here.", rich_help_panel=_ELSEWHERE, show_default=False),
]


def up(
    http_port: HttpPort = None,
    state_dir: StateDir = None,
    sample: Sample = True,
    edges: Edges = None,
    sli: Sli = None,
    latency: Latency = None,
    neo4j_url: Neo4jUrl = None,
    redis_url: RedisUrl = None,
    prometheus_url: PrometheusUrl = None,
) -> None:
    """Run Neo4j, Redis, API, worker and scheduler here, recommend for every service, go on until Ctrl-C."""
    _let_signals_interrupt()
    steps = Steps()
    run = _Run(steps)
    try:
        files = first_data.read_files(edges, sli, latency)
        state = StateDirectory.at(state_dir or Settings().state_dir)
        with claimed(state):
            named = {
                "http_port": http_port,
                "neo4j_url": neo4j_url,
                "redis_url": redis_url,
                "prometheus_url": prometheus_url,
            }
            settings = _settings(state, {name: value for name, value in named.items() if value is not None})
            refuse_taken_port(settings)
            logging.basicConfig(filename=state.log("up"), level=logging.INFO, format=_LOG_FORMAT)
            engine = LocalEngine(state, steps.say, steps.bytes_fetched)
            try:
                run.go_on(engine, settings, files, wants_sample=sample)
            finally:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
                engine.stop()
    except KeyboardInterrupt:
        steps.say("stopped")
        raise typer.Exit(0 if run.ready else _EXIT_INTERRUPTED) from None


def _let_signals_interrupt() -> None:
    """SIGTERM and a closed terminal end it as Ctrl-C does, also where a shell started it with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))


def _settings(state: StateDirectory, named: dict[str, Any]) -> Settings:
    """Environment and options, with a development key and a port. Raises: Invalid in production."""
    settings = Settings(**named, state_dir=state.root)
    if settings.env is not Environment.DEVELOPMENT:
        raise Invalid(
            "`sloengine up` is for development; unset SLOENGINE_ENV, or start `sloengine api` and the rest"
        )
    return changed(
        settings,
        http_port=settings.http_port or free_port(),
        dev_api_key=settings.dev_api_key or state.development_key(),
    )


@dataclass
class _Run:
    """The steps of one ``up``. ``ready``: all of them are done."""

    steps: Steps
    ready: bool = False
    sample_is_missing: bool = False

    def go_on(
        self, engine: LocalEngine, settings: Settings, files: first_data.Files | None, *, wants_sample: bool
    ) -> None:
        """Until interrupted. Raises: Unavailable, when something that is needed stays away."""
        settings = engine.start_stores(settings)
        settings = asyncio.run(self._prepare(settings, engine.state, wants_sample=wants_sample and files is None))
        self.steps.say("starting API, worker and scheduler")
        engine.start_processes(settings)
        asyncio.run(self._serve(engine, settings, files))

    async def _prepare(self, settings: Settings, state: StateDirectory, *, wants_sample: bool) -> Settings:
        """Migrate, and decide where telemetry comes from."""
        async with open_database(settings) as stores:
            applied = await stores.migrator.up()
            if applied:
                self.steps.say(f"the database's schema is up to date ({len(applied)} migrations applied)")
            page = await stores.graph.page_of_services(
                ServiceFilter(), ServiceOrder.SERVICE_ID, PageRequest(first=1)
            )
        remembered = Remembered.read(state)
        settings = telemetry_of(settings, remembered, is_empty=not page.rows, wants_sample=wants_sample)
        self.sample_is_missing = settings.telemetry_kind is TelemetryKind.SAMPLE and (
            not page.rows or not remembered.sample_is_in
        )
        Remembered.of(settings, sample_is_in=not self.sample_is_missing).write(state)
        return settings

    async def _serve(self, engine: LocalEngine, settings: Settings, files: first_data.Files | None) -> None:
        """First data while watching the children, then watching only."""
        watching = asyncio.create_task(_watch(engine, settings))
        filling = asyncio.create_task(self._fill(settings, engine.state, files))
        try:
            await asyncio.wait({watching, filling}, return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                filling.result()
                print_addresses(settings, engine)
                self.ready = True
                engine.make_startup_cache()
            await watching
        finally:
            for task in (watching, filling):
                task.cancel()
            await asyncio.gather(watching, filling, return_exceptions=True)

    async def _fill(self, settings: Settings, state: StateDirectory, files: first_data.Files | None) -> None:
        async with open_use_cases(settings) as use_cases:
            if files is not None:
                for warning in files.warnings:
                    output.warn(warning)
                with self.steps.bar("bringing in the files") as advance:
                    ingestion = await first_data.ingest_files(use_cases, files, advance)
                for rejected in ingestion.rejected if ingestion else ():
                    output.warn(f"rejected {rejected.path}: {rejected.message}")
            elif self.sample_is_missing:
                with self.steps.bar(f"bringing in the {sample_provenance(settings.sample_seed)}") as advance:
                    await first_data.ingest_sample(use_cases, settings.sample_seed, advance)
                Remembered.of(settings, sample_is_in=True).write(state)
            if use_cases.telemetry_name is not None:
                with self.steps.bar(f"aggregating telemetry: {use_cases.telemetry_name}") as advance:
                    report = await first_data.aggregate(use_cases, advance)
                if report.error:
                    output.warn(f"telemetry: {report.error}")
                for service_id, reason in sorted(report.refused.items()):
                    output.warn(f"telemetry of {service_id} refused: {reason}")
            services = {service.service_id: service for service in await all_services(use_cases, ServiceFilter())}
            if not services:
                output.out.print(_NEXT_STEPS, highlight=False, markup=False)
                return
            with self.steps.bar(f"recommending for {len(services)} services") as advance:
                results = await first_data.recommend_all(use_cases, list(services), advance)
            missing = len(services) * len(first_data.SLI_TYPES) - len(results)
        title = "Recommended SLOs"
        if settings.telemetry_kind is TelemetryKind.SAMPLE:
            title = f"{title} of the {sample_provenance(settings.sample_seed)}"
        if missing:
            output.warn(f"{missing} recommendations could not be computed; why is in {state.logs / 'up.log'}")
        print_overview(results, services, title)


async def _watch(engine: LocalEngine, settings: Settings) -> None:
    """Raises: Unavailable, when a child cannot be kept running."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if engine.supervisor.check():
            engine.write_run(settings)


@dataclass(frozen=True, slots=True)
class Remembered:
    """Where the telemetry of a state directory comes from, from one run to the next."""

    telemetry: str | None = None
    sample_seed: int | None = None
    sample_is_in: bool = False

    @classmethod
    def read(cls, state: StateDirectory) -> Self:
        """What the last run left; nothing when there was none."""
        try:
            return cls(**json.loads(state.telemetry_file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    @classmethod
    def of(cls, settings: Settings, *, sample_is_in: bool) -> Self:
        """What this run has decided. ``sample_is_in``: the sample's graph is merged, all of it."""
        return cls(settings.telemetry_kind, settings.sample_seed, sample_is_in)

    def write(self, state: StateDirectory) -> None:
        """Leave it for the next run."""
        replace_private_file(state.telemetry_file, json.dumps(asdict(self)) + "\n")


def telemetry_of(settings: Settings, remembered: Remembered, *, is_empty: bool, wants_sample: bool) -> Settings:
    """Where telemetry comes from: what is named; else the sample, if the graph is empty or was filled with it."""
    if settings.telemetry is not None or settings.prometheus_url is not None:
        return settings
    if wants_sample and is_empty:
        return changed(settings, telemetry=TelemetryKind.SAMPLE)
    if wants_sample and remembered.telemetry == TelemetryKind.SAMPLE:
        seed = remembered.sample_seed if remembered.sample_seed is not None else settings.sample_seed
        return changed(settings, telemetry=TelemetryKind.SAMPLE, sample_seed=seed)
    return changed(settings, telemetry=TelemetryKind.NONE)


def print_addresses(settings: Settings, engine: LocalEngine) -> None:
    """Where to look; the last line says that it is ready."""
    key = settings.dev_api_key.get_secret_value() if settings.dev_api_key else ""
    redis_at = settings.required_redis_url().rsplit("@", 1)[-1]
    lines = {
        "GraphiQL": graphiql_url(settings),
        "health": f"{base_url(settings)}/health/ready",
        "API key": f"{key} (header X-API-Key; development only)",
        "Neo4j": f"{settings.neo4j_url} (user {settings.neo4j_user}); or `sloengine cypher`",
        "Redis": redis_at,
        "logs": f"{engine.state.logs}",
        "stop": "Ctrl-C, or `sloengine down`",
    }
    for name, text in lines.items():
        output.out.print(f"{name:>9}  {text}", highlight=False, markup=False, soft_wrap=True)
    output.out.print(f"sloengine ready {base_url(settings)}", highlight=False, markup=False, soft_wrap=True)
