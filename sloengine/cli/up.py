"""``sloengine up``: the whole product on one machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sloengine.bootstrap.settings import Environment, Settings
from sloengine.cli import output
from sloengine.cli.local_engine import (
    LocalEngine,
    base_url,
    changed,
    claimed,
    graphiql_url,
    refuse_taken_port,
)
from sloengine.cli.remembered import Remembered, telemetry_of
from sloengine.cli.steps import Steps
from sloengine.domain.errors import Invalid
from sloengine.infrastructure.embedded.free_port import free_port
from sloengine.infrastructure.embedded.state_directory import StateDirectory

if TYPE_CHECKING:
    from sloengine.cli import first_data, first_table

_WATCH_SECONDS = 0.5
_EXIT_INTERRUPTED = 130
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
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
        files = _read_files(edges, sli, latency)
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


def _read_files(*paths: Path | None) -> first_data.Files | None:
    """What the files say, before anything is started. Raises: FileProblem."""
    if not any(paths):
        return None
    module: Any = import_module("sloengine.cli.first_data")
    read: first_data.Files | None = module.read_files(*paths)
    return read


@dataclass
class _Run:
    """The steps of one ``up``. ``ready``: all of them are done."""

    steps: Steps
    ready: bool = False

    def go_on(
        self, engine: LocalEngine, settings: Settings, files: first_data.Files | None, *, wants_sample: bool
    ) -> None:
        """Until interrupted. Raises: Unavailable, when something that is needed stays away.

        Neo4j takes longest to start, so everything else is loaded and started while it is on its way: with the
        telemetry that this state will most likely have, and again if it turns out otherwise.
        """
        wants_sample = wants_sample and files is None
        settings = engine.launch_stores(settings)
        # Imported here, because it is most of what there is to load, and by now Neo4j does not wait for it.
        work: Any = import_module("sloengine.cli.first_table")
        if engine.has_own_neo4j:
            remembered = Remembered.read(engine.state)
            likely = telemetry_of(settings, remembered, is_empty=engine.is_new, wants_sample=wants_sample)
            self.steps.say("starting API, worker and scheduler")
            engine.start_processes(likely)
        table: first_table.FirstTable = work.FirstTable(self.steps, engine.state)
        settings = engine.wait_stores(settings)
        settings = asyncio.run(table.prepare(settings, wants_sample=wants_sample))
        engine.start_processes(settings)
        engine.wait_api(settings)
        asyncio.run(self._serve(engine, settings, table, files))

    async def _serve(
        self,
        engine: LocalEngine,
        settings: Settings,
        table: first_table.FirstTable,
        files: first_data.Files | None,
    ) -> None:
        """First data while watching the children, then watching only."""
        watching = asyncio.create_task(_watch(engine, settings))
        filling = asyncio.create_task(table.fill(settings, files))
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


async def _watch(engine: LocalEngine, settings: Settings) -> None:
    """Raises: Unavailable, when a child cannot be kept running."""
    while True:
        await asyncio.sleep(_WATCH_SECONDS)
        if engine.supervisor.check():
            engine.write_run(settings)


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
