"""Servers of one measurement: an embedded Neo4j and Redis of its own, and the product's processes on them."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import neo4j
import psutil
import redis

import sloengine
from sloengine.bootstrap.settings import Environment, Settings, TelemetryKind
from sloengine.infrastructure.embedded import EmbeddedNeo4j, EmbeddedRedis
from sloengine.infrastructure.embedded.child_process import ChildProcess, wait_until
from sloengine.infrastructure.embedded.free_port import LOOPBACK, free_port
from sloengine.infrastructure.neo4j import open_neo4j
from sloengine.infrastructure.queue.broker import NAMESPACE, living_workers

HEAP_MB = 1536
PAGE_CACHE_MB = 512
KEY = "slo_dev_bench"
_START_SECONDS = 90.0
_STOP_SECONDS = 20.0
_IDLE_SECONDS = 300.0


@dataclass(frozen=True)
class Stage:
    """What runs, where, and how the product is told about it."""

    home: Path
    settings: Settings
    heap_mb: int
    processes: dict[str, psutil.Process] = field(default_factory=dict)
    """The product's processes that run, by name."""

    @contextmanager
    def driver(self) -> Generator[neo4j.Driver]:
        """The database itself, past the product: for baselines."""
        url, user, password = self.settings.required_neo4j()
        with neo4j.GraphDatabase.driver(url, auth=(user, password), notifications_min_severity="OFF") as driver:
            yield driver

    def wait_idle(self) -> None:
        """Until workers have nothing left to do: what follows a merge would disturb what is measured next.

        Raises ``RuntimeError`` when that takes minutes.
        """
        with redis.Redis.from_url(self.settings.required_redis_url()) as client:

            def nothing_left() -> bool:
                kept = client.keys(f"{NAMESPACE}:*.msgs")
                return not any(client.hlen(key) for key in kept if not key.endswith(b".XQ.msgs"))

            if not wait_until(nothing_left, lambda: True, _IDLE_SECONDS):
                raise RuntimeError(f"workers are not done after {_IDLE_SECONDS:.0f} s")

    def empty(self) -> None:
        """Delete every node but those that migrations made, and everything in Redis."""
        with self.driver() as driver, driver.session() as session:
            session.run("MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 20000 ROWS").consume()
            session.run(
                "MATCH (n) WHERE NOT (n:SchemaMigration OR n:MigrationLock OR n:GraphState OR n:AuditHead)"
                " CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS"
            ).consume()
        with redis.Redis.from_url(self.settings.required_redis_url()) as client:
            client.flushall()

    @contextmanager
    def api(self, processes: int = 1) -> Generator[str]:
        """The API as it ships, in processes of its own; its address."""
        port = free_port()
        command = ["-m", "sloengine.cli.main", "api", "--port", str(port), "--workers", str(processes)]
        with self._process("api", command) as child:
            url = f"http://{LOOPBACK}:{port}"
            if not wait_until(
                lambda: answers(f"{url}/health/ready"), lambda: child.exit_code() is None, _START_SECONDS
            ):
                raise RuntimeError(f"the API does not answer:\n{child.tail(40)}")
            yield url

    @contextmanager
    def workers(self, processes: int = 1) -> Generator[ChildProcess]:
        """The worker as it ships."""
        command = ["-m", "sloengine.cli.main", "worker", "--processes", str(processes)]
        with self._process("worker", command) as child:
            url = self.settings.required_redis_url()
            if not wait_until(
                lambda: living_workers(url) >= processes, lambda: child.exit_code() is None, _START_SECONDS
            ):
                raise RuntimeError(f"no worker is alive:\n{child.tail(40)}")
            yield child

    def cpu_seconds(self, name: str) -> float:
        """Time on a processor so far of ``api`` or ``worker``: says something on a busy machine too."""
        root = self.processes[name]
        times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
        return float(sum(each.user + each.system for each in times))

    @contextmanager
    def _process(self, name: str, arguments: list[str]) -> Generator[ChildProcess]:
        child = ChildProcess(name, self.home, self.home / f"{name}.log")
        child.start([sys.executable, *arguments], self.environment())
        try:
            self.processes[name] = psutil.Process(child.pid)
            yield child
        finally:
            self.processes.pop(name, None)
            child.stop(_STOP_SECONDS)

    def environment(self) -> dict[str, str]:
        """Of a process that is to work on these stores."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("SLOENGINE_")}
        own["PYTHONPATH"] = str(Path(sloengine.__file__).resolve().parents[1])
        for name in Settings.model_fields:
            value = getattr(self.settings, name)
            if value is not None:
                plain = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
                own[f"SLOENGINE_{name.upper()}"] = plain
        return own


@contextmanager
def stage(
    *, heap_mb: int = HEAP_MB, page_cache_mb: int = PAGE_CACHE_MB, prometheus_url: str | None = None
) -> Generator[Stage]:
    """Start stores in a temporary directory, bring the schema up, and end all of it afterwards."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sloengine-bench-")))
        database = EmbeddedNeo4j(home / "neo4j", heap_mb=heap_mb, page_cache_mb=page_cache_mb)
        stack.callback(database.stop)
        database.launch()
        broker = stack.enter_context(EmbeddedRedis(home / "redis"))
        address = database.wait_ready()
        settings = Settings(
            **_given(
                env=Environment.DEVELOPMENT,
                state_dir=home,
                neo4j_url=address.url,
                neo4j_user=address.user,
                neo4j_password=address.password,
                redis_url=broker.url,
                telemetry=TelemetryKind.PROMETHEUS if prometheus_url else TelemetryKind.NONE,
                prometheus_url=prometheus_url,
                dev_api_key=KEY,
                log_level="WARNING",
            )
        )
        asyncio.run(_migrate(settings))
        yield Stage(home, settings, heap_mb)


async def _migrate(settings: Settings) -> None:
    url, user, password = settings.required_neo4j()
    async with open_neo4j(url, user, password) as stores:
        await stores.migrator.up()


def _given(**values: Any) -> Mapping[str, Any]:
    """Settings by name; None is left to its default."""
    return {name: value for name, value in values.items() if value is not None}


def answers(url: str) -> bool:
    """Whether a GET succeeds; waits a moment when not."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        time.sleep(0.05)
        return False
