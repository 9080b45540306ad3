"""A cached recommendation through key, limits and GraphQL, against a bare Strawberry app with the same payload.

``python -m bench.api_cached_read [--quick]``. One process each, on 127.0.0.1, measured one after the other.
Goal: at least 60 % of the bare app's throughput in a closed loop; p95 below 100 ms for 200 users who think 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psutil

from bench.closed_loop import Load, answer, closed_loop, post
from bench.rows import Goal, Report, Row, header
from bench.sample_recommendation import sample_recommendation
from sloengine.infrastructure.embedded import EmbeddedRedis
from sloengine.infrastructure.embedded.free_port import free_port
from sloengine.infrastructure.redis.connection import open_redis
from sloengine.infrastructure.redis.recommendation_cache import RedisRecommendationCache

HOST = "127.0.0.1"
KEY = "slo_dev_bench"
SERVICES = 200
ENGINE_VERSION = "bench"
SECTION = "cached read"
OURS, THINKING = "sloengine", "sloengine, 200 users think 1 s"
BARE, BARE_CACHED = "bare Strawberry", "bare Strawberry, documents cached"
OPERATION = Path(__file__).parent.parent / "graphql" / "operations" / "02_recommendation.graphql"


def requests(**headers: str) -> list[bytes]:
    """The shipped example operation for each service."""
    query = OPERATION.read_text(encoding="utf-8")
    return [
        post(
            HOST,
            "/graphql",
            orjson.dumps({"query": query, "variables": {"serviceId": f"service-{n}", "sliType": "AVAILABILITY"}}),
            **headers,
        )
        for n in range(SERVICES)
    ]


@dataclass(frozen=True)
class Server:
    """A process that answers."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Time on a processor so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True)
class Measured:
    """A load, and what an answer cost its server: that says something on a busy machine too."""

    load: Load
    cpu_ms: float


@contextmanager
def serving(factory: str, **environment: str) -> Generator[Server]:
    """One uvicorn process of this factory."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", factory, "--host", HOST, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "--no-access-log"], env={**os.environ, **environment}
    )
    try:
        asyncio.run(_until_it_answers(port, process))
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(10)


async def _until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(900):  # seconds on a quiet machine; a busy one takes its time to import
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError("the server does not listen")


async def one(port: int, request: bytes) -> dict[str, object]:
    """One answer, for comparing."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    _, body = await answer(reader)
    writer.close()
    decoded: dict[str, object] = json.loads(body)
    return decoded


def measure(
    server: Server, sent: list[bytes], *, users: int, seconds: float, think_seconds: float = 0.0
) -> Measured:
    """A short warm-up, then the measurement."""
    asyncio.run(closed_loop(HOST, server.port, sent, users=8, seconds=min(1.0, seconds)))
    before = server.cpu_seconds()
    load = asyncio.run(
        closed_loop(HOST, server.port, sent, users=users, seconds=seconds, think_seconds=think_seconds)
    )
    return Measured(load, 1000 * (server.cpu_seconds() - before) / max(1, len(load.latencies)))


async def fill(redis_url: str, at: datetime) -> None:
    """Put every answer into the cache, as the engine does."""
    async with open_redis(redis_url) as redis:
        cache = RedisRecommendationCache(redis, engine_version=ENGINE_VERSION)
        await cache.put([sample_recommendation(f"service-{n}", at=at) for n in range(SERVICES)])


def measured_all(seconds: float) -> tuple[dict[str, Measured], dict[str, dict[str, object]]]:
    """Each app by itself, one after the other; and one answer of each."""
    at = datetime.fromtimestamp(time.time() // 3600 * 3600, UTC)
    common = {"BENCH_AT": str(at.timestamp()), "BENCH_SERVICES": str(SERVICES)}
    results: dict[str, Measured] = {}
    answers: dict[str, dict[str, object]] = {}
    for name, caches in ((BARE, "0"), (BARE_CACHED, "1")):
        with serving("bench.bare_strawberry:create_app", **common, BENCH_CACHES=caches) as server:
            sent = requests()
            answers[name] = asyncio.run(one(server.port, sent[0]))
            results[name] = measure(server, sent, users=16, seconds=seconds)
    with tempfile.TemporaryDirectory() as home, EmbeddedRedis(Path(home) / "redis") as redis:
        asyncio.run(fill(redis.url, at))
        environment = {
            "SLOENGINE_ENV": "development",
            "SLOENGINE_DEV_API_KEY": KEY,
            "SLOENGINE_REDIS_URL": redis.url,
            "SLOENGINE_STATE_DIR": home,
            "BENCH_ENGINE_VERSION": ENGINE_VERSION,
        }
        with serving("bench.cached_read_app:create_app", **environment) as server:
            sent = requests(X_API_Key=KEY)
            answers[OURS] = asyncio.run(one(server.port, sent[0]))
            results[OURS] = measure(server, sent, users=16, seconds=seconds)
            results[THINKING] = measure(server, sent, users=200, seconds=max(seconds, 4), think_seconds=1.0)
    return results, answers


def run(report: Report, *, quick: bool) -> None:
    """Measure and tell."""
    results, answers = measured_all(1.5 if quick else 6.0)
    ours = results[OURS]
    for name in (BARE, BARE_CACHED):
        report.add(
            Row(
                SECTION,
                "closed loop of 16 users, one process",
                [ours.load.per_second],
                "/s",
                Goal(ratio=0.6, at_least=True),
                (name, [results[name].load.per_second]),
            )
        )
        cpu = (name, [results[name].cpu_ms])
        report.add(Row(SECTION, "processor time of the server per answer", [ours.cpu_ms], "ms", baseline=cpu))
    latencies = [1000 * latency for latency in results[THINKING].load.latencies]
    report.add(Row(SECTION, "200 users who think 1 s", latencies, "ms", Goal(limit=100.0, quantile=0.95)))
    failed = sum(measured.load.failures for measured in results.values())
    if failed:
        report.failures.append(f"{SECTION}: {failed} requests failed")
    if any(answer != answers[OURS] for answer in answers.values()):
        report.failures.append(f"{SECTION}: the apps answer different payloads")


def main() -> int:
    """Measure and print; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short measurements")
    report = Report()
    print(header())
    run(report, quick=parser.parse_args().quick)
    for failure in report.failures:
        print(failure)
    return 1 if report.missed or report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
