"""Real servers for tests, started once a pytest process on free ports in a temporary directory.

How to use it:

* ``neo4j_server`` (session): a ``Neo4jAddress`` (``url``, ``user``, ``password``) of an embedded Neo4j.
  ``clean_neo4j`` (function): the same, with every node deleted first (constraints and indexes stay).
* ``redis_server`` (session): a ``RedisAddress`` (``url``). ``clean_redis`` (function): the same, emptied.
* ``prometheus_server`` (session): ``prometheus_server(chunks, arguments=()) -> RunningPrometheus``; ``chunks``
  are OpenMetrics texts (``# EOF`` is added), each backfilled on its own. Keep a chunk short in time (24 h at a
  1 h step, 6 h at 5 min): promtool reads a whole chunk again for every 2 h block. Servers run until the session
  ends.
* ``chromium`` (session): path of the browser. ``real_data`` (session): folder ``SLOENGINE_REAL_DATA`` names.

Tests that use them get the marks ``neo4j``, ``redis``, ``prometheus``, ``browser``, ``real_data`` by themselves.
* ``dead_port`` (function): a port of this machine where nobody listens, and nobody else can as long as the test
  runs.

What is missing skips a test on a laptop and fails it where ``CI`` is ``true``. Several pytest processes may run
at once.

Hypothesis draws the same examples each time (``make search`` draws new ones), and no example
has a time limit: a machine that is busy with something else is no counterexample.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import neo4j
import pytest
import redis
from hypothesis import HealthCheck, settings

from sloengine.infrastructure.embedded import EmbeddedNeo4j, EmbeddedRedis, Neo4jAddress, RedisAddress
from sloengine.infrastructure.embedded.child_process import ChildProcess, wait_until
from sloengine.infrastructure.embedded.errors import DownloadCutOff, EmbeddedServerFailed
from sloengine.infrastructure.embedded.free_port import LOOPBACK, free_port
from sloengine.infrastructure.embedded.neo4j_server import FAST_START_JVM_OPTIONS

settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "searching", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

MARK_OF_FIXTURE = {
    "neo4j_server": "neo4j",
    "redis_server": "redis",
    "prometheus_server": "prometheus",
    "chromium": "browser",
    "real_data": "real_data",
}


BEGIN_WITH = (
    "tests/e2e/",
    "tests/workers/test_killed_worker.py",
    "tests/bootstrap/test_sample_all_the_way.py",
    "tests/bootstrap/test_discovery_all_the_way.py",
    "tests/infrastructure/embedded/test_neo4j_server.py",
    "tests/infrastructure/neo4j/test_server_killed.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers it asks for, directly or through other fixtures. Files of few tests that take
    long come first: of several processes none should be left alone with one of them.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(BEGIN_WITH))
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARK_OF_FIXTURE:
                item.add_marker(MARK_OF_FIXTURE[fixture])


def missing(reason: str) -> None:
    """Skip on a laptop, fail in CI: there nothing may be left out."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: nothing is skipped)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jAddress]:
    server = EmbeddedNeo4j(
        tmp_path_factory.mktemp("neo4j"), heap_mb=400, page_cache_mb=32, jvm_options=FAST_START_JVM_OPTIONS
    )
    try:
        server.launch()
    except DownloadCutOff as error:
        missing(str(error))
    try:
        yield server.wait_ready()
    finally:
        server.stop()


@pytest.fixture
def clean_neo4j(neo4j_server: Neo4jAddress) -> Neo4jAddress:
    with (
        neo4j.GraphDatabase.driver(neo4j_server.url, auth=(neo4j_server.user, neo4j_server.password)) as driver,
        driver.session() as session,
    ):
        session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS").consume()
    return neo4j_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisAddress]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    try:
        server.launch()
    except EmbeddedServerFailed as error:
        missing(str(error))
    try:
        yield server.wait_ready()
    finally:
        server.stop()


@pytest.fixture
def clean_redis(redis_server: RedisAddress) -> RedisAddress:
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def dead_port() -> Iterator[int]:
    with socket.socket() as held:  # bound and not listening: connections are refused, and nobody else gets it
        held.bind((LOOPBACK, 0))
        yield int(held.getsockname()[1])


@dataclass(frozen=True, slots=True)
class RunningPrometheus:
    """A Prometheus that answers; ``process`` lets a test stop or pause it."""

    url: str
    process: ChildProcess


StartPrometheus = Callable[..., RunningPrometheus]


@pytest.fixture(scope="session")
def prometheus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartPrometheus]:
    for tool in ("prometheus", "promtool"):
        if shutil.which(tool) is None:
            missing(f"{tool} is not on PATH")
    started: list[ChildProcess] = []

    def start(chunks: Iterable[str] = (), arguments: Sequence[str] = ()) -> RunningPrometheus:
        home = tmp_path_factory.mktemp("prometheus")
        data = home / "data"
        data.mkdir()
        for number, chunk in enumerate(chunks):
            text = chunk if chunk.rstrip().endswith("# EOF") else chunk.rstrip("\n") + "\n# EOF\n"
            file = home / f"chunk-{number}.txt"
            file.write_text(text)
            made = subprocess.run(
                ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(file), str(data)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert made.returncode == 0, f"promtool refused chunk {number}: {made.stdout}{made.stderr}"
            file.unlink()
        configuration = home / "prometheus.yml"
        configuration.write_text("global: {scrape_interval: 15s}\n")
        for _ in range(3):  # somebody else may have taken the port meanwhile
            child = ChildProcess("prometheus", home, home / "prometheus.log")
            started.append(child)
            url = f"{LOOPBACK}:{free_port()}"
            child.start(
                [
                    str(shutil.which("prometheus")),
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={data}",
                    "--storage.tsdb.retention.time=400d",
                    f"--web.listen-address={url}",
                    *arguments,
                ]
            )
            if wait_until(partial(_answers, f"http://{url}/-/ready"), partial(_lives, child), 120):
                return RunningPrometheus(f"http://{url}", child)
            if _lives(child):
                break
        raise AssertionError(f"Prometheus does not answer:\n{child.tail()}")

    yield start
    for child in started:
        child.stop(10)


def _lives(child: ChildProcess) -> bool:
    return child.exit_code() is None


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        time.sleep(0.05)
        return False


@pytest.fixture(scope="session")
def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    missing("no Chromium on PATH")
    raise AssertionError


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("SLOENGINE_REAL_DATA") or Path(__file__).parents[1] / "../shared/data").resolve()
    if not folder.is_dir():
        missing(f"no real data in {folder}: name their folder in SLOENGINE_REAL_DATA")
    return folder
