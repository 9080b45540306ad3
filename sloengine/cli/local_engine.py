"""Everything that ``up`` runs on one machine: stores, API, worker, scheduler."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

import sloengine
from sloengine.bootstrap.settings import Settings
from sloengine.cli.background import BACKGROUND_ENVIRONMENT, scheduler_command, worker_command
from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.embedded import EmbeddedNeo4j, EmbeddedRedis, Neo4jAddress
from sloengine.infrastructure.embedded.free_port import accepts_connections
from sloengine.infrastructure.embedded.neo4j_server import is_startup_cache_made
from sloengine.infrastructure.embedded.state_directory import StateDirectory, StateLock
from sloengine.infrastructure.embedded.supervisor import OwnProcess, Supervisor

_API_START_TIMEOUT_SECONDS = 120.0
# Not through the whole command line: what the API does not need is not imported.
_API_COMMAND = (sys.executable, "-c", "from sloengine.cli.processes import api; api(None, None, 1)")
_PROCESSES = ("api", "worker", "scheduler")
_SETTINGS_FOR_CHILDREN = (
    "state_dir",
    "http_host",
    "http_port",
    "neo4j_url",
    "neo4j_user",
    "neo4j_password",
    "neo4j_database",
    "redis_url",
    "telemetry",
    "prometheus_url",
    "sample_seed",
    "dev_api_key",
)


class LocalEngine:
    """Stores first, then the processes that need them; ``stop`` ends all, whatever was reached.

    ``say`` is told what happens; ``bytes_fetched`` how far the first download of Neo4j is.
    """

    def __init__(
        self, state: StateDirectory, say: Callable[[str], None], bytes_fetched: Callable[[int, int], None]
    ) -> None:
        self.state = state
        self.supervisor = Supervisor(say)
        self._say = say
        self._bytes_fetched = bytes_fetched
        self._background: OwnProcess | None = None
        self._neo4j: EmbeddedNeo4j | None = None
        self._neo4j_is_new = False
        self._api: OwnProcess | None = None
        self._started_with: Settings | None = None
        self._began = 0.0

    @property
    def has_own_neo4j(self) -> bool:
        """Whether the embedded Neo4j is used; valid once the stores are launched."""
        return self._neo4j is not None

    @property
    def is_new(self) -> bool:
        """Whether the embedded Neo4j has never held anything; valid once the stores are launched."""
        return self._neo4j is not None and self._neo4j_is_new

    def launch_stores(self, settings: Settings) -> Settings:
        """Start the embedded Neo4j and Redis where no other is named; Redis answers, Neo4j is on its way.

        Returns settings with their addresses. Raises: Unavailable.
        """
        self._began = time.monotonic()
        if settings.neo4j_url is None:
            self._neo4j_is_new = not (self.state.neo4j / "data" / "databases").exists()
            self._neo4j = EmbeddedNeo4j(self.state.neo4j, log=self.state.log("neo4j"))
            self._say("starting Neo4j")
            self._neo4j.launch(self._bytes_fetched)
            self.supervisor.adopt("neo4j", self._neo4j)
            settings = _at(settings, self._neo4j.address)
        if settings.redis_url is None:
            redis = EmbeddedRedis(self.state.redis, log=self.state.log("redis"))
            self._say("starting Redis")
            redis.launch()
            self.supervisor.adopt("redis", redis)
            settings = changed(settings, redis_url=redis.wait_ready().url)
            redis.keep_port()
        return settings

    def wait_stores(self, settings: Settings) -> Settings:
        """Wait until the embedded Neo4j answers; settings with its address, should that be another now.

        Raises: Unavailable.
        """
        if self._neo4j is not None:
            settings = _at(settings, self._neo4j.wait_ready())
            self._neo4j.keep_port()
            self._say(f"stores are ready ({time.monotonic() - self._began:.1f} s)")
        return settings

    def start_processes(self, settings: Settings) -> None:
        """Start API, worker and scheduler; those that run with other settings are started afresh."""
        if settings == self._started_with:
            return
        if self._started_with is not None:
            for name in reversed(_PROCESSES):
                self.supervisor.remove(name)
        environment = child_environment(settings)
        self._api = self._own("api", _API_COMMAND, environment)
        self._own("worker", worker_command(), environment)
        self._own("scheduler", scheduler_command(), environment)
        self._started_with = settings
        self.write_run(settings)

    def wait_api(self, settings: Settings) -> None:
        """Wait until the API answers. Raises: Unavailable, with the end of its log."""
        deadline = time.monotonic() + _API_START_TIMEOUT_SECONDS
        while not _answers(f"{base_url(settings)}/health/live"):
            if self._api is None or self._api.exit_code() is not None:
                raise Unavailable("the API ended at once" + self._api_log())
            if time.monotonic() > deadline:
                raise Unavailable("the API does not answer" + self._api_log())
            time.sleep(0.1)

    def _api_log(self) -> str:
        return "" if self._api is None else f"; its log is {self._api.log}:\n{self._api.tail()}"

    def write_run(self, settings: Settings) -> None:
        """Tell commands in other shells what runs here."""
        children = {}
        for name, process in self.supervisor.processes().items():
            if process.exit_code() is None:
                children[name] = {"pid": process.pid, "log": str(process.log)}
        self.state.write_run(
            {
                **plain(settings),
                "pid": os.getpid(),
                "children": children,
                "graphiql": graphiql_url(settings),
                "health": f"{base_url(settings)}/health/ready",
            }
        )

    def make_startup_cache(self) -> None:
        """Have the next start of Neo4j prepared in the background, where that was not done before."""
        if "neo4j" in self.supervisor.processes() and not is_startup_cache_made():
            command = [sys.executable, "-m", "sloengine.infrastructure.embedded.startup_cache"]
            self._background = OwnProcess(
                "startup-cache",
                command,
                own_environment(),
                home=self.state.processes,
                log=self.state.log("startup-cache"),
                stop_grace_seconds=1.0,
            )
            self._background.launch()

    def stop(self) -> None:
        """End all children and take back ``run.json``."""
        if self._background is not None:
            self._background.stop()
        self.supervisor.stop()
        self.state.run_file.unlink(missing_ok=True)

    def _own(self, name: str, command: Sequence[str], environment: dict[str, str]) -> OwnProcess:
        process = OwnProcess(
            name,
            command,
            environment,
            home=self.state.processes,
            log=self.state.log(name),
            stop_grace_seconds=15.0,
        )
        self.supervisor.start(name, process)
        return process


@contextmanager
def claimed(state: StateDirectory) -> Iterator[None]:
    """The state directory, made, locked, and free of what a killed ``up`` left.

    Raises: StateNotWritable, StateInUse.
    """
    state.prepare()
    lock = StateLock(state)
    lock.acquire()
    try:
        state.end_left_overs()
        state.run_file.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def refuse_taken_port(settings: Settings) -> None:
    """Raises: Unavailable, when somebody listens on the port that the API is to have."""
    if accepts_connections(settings.http_port):
        raise Unavailable(f"port {settings.http_port} is taken: name another with --http-port")


def base_url(settings: Settings) -> str:
    """Where the API is."""
    return f"http://{settings.http_host}:{settings.http_port}"


def graphiql_url(settings: Settings) -> str:
    """GraphiQL with the development key in the fragment, which browsers do not send to anybody."""
    key = settings.dev_api_key.get_secret_value() if settings.dev_api_key else ""
    return f"{base_url(settings)}/graphql#key={key}"


def changed(settings: Settings, **changes: object) -> Settings:
    """The settings with some replaced, checked again."""
    return Settings(**{**plain(settings), **changes})  # type: ignore[arg-type]  # checked by pydantic


def _at(settings: Settings, address: Neo4jAddress) -> Settings:
    """The settings with the address of a Neo4j."""
    return changed(settings, neo4j_url=address.url, neo4j_user=address.user, neo4j_password=address.password)


def plain(settings: Settings) -> dict[str, object]:
    """What children and other shells must know, secrets in clear."""
    values = {}
    for name in _SETTINGS_FOR_CHILDREN:
        value = getattr(settings, name)
        if hasattr(value, "get_secret_value"):
            value = value.get_secret_value()
        if value is not None:
            values[name] = str(value) if isinstance(value, Path) else value
    return values


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of API, worker and scheduler: the settings, and where the code is."""
    named = {f"SLOENGINE_{name.upper()}": str(value) for name, value in plain(settings).items()}
    return {**BACKGROUND_ENVIRONMENT, **own_environment(), **named}


def own_environment() -> dict[str, str]:
    """This process's environment, and where the code is: children have another working directory."""
    root = str(Path(sloengine.__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
