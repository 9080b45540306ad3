"""The whole way on real servers: a worker is killed in the middle of an ingestion, a job or a drift pass."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import redis
from neo4j import AsyncGraphDatabase

from sloengine.application.drift.detect_drift import LONG_BATCH
from sloengine.application.ports.drift_store import DriftFilter
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter
from sloengine.application.recommendation.recommendation_job import (
    RecommendationJob,
    StartRecommendationJobCommand,
)
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.governance.model import Actor, AuditAction, Role
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress
from sloengine.infrastructure.memory.small_stores import SetClock
from sloengine.infrastructure.queue.broker import redis_broker
from sloengine.infrastructure.queue.dramatiq_job_queue import DramatiqJobQueue
from sloengine.infrastructure.watch_documents import FORMAT
from tests.application.organisation import HOUR, Engine, hourly_panel

ADMIN = Actor("apikey:test", Role.SRE_ADMIN)
ROOT = Path(__file__).parents[2]
SERVICES = 3_000


@pytest.fixture
def settings(clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, tmp_path: Path) -> Settings:
    return Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=clean_neo4j.password,
        redis_url=clean_redis.url,
    )


@pytest.fixture
async def use_cases(settings: Settings) -> AsyncIterator[UseCases]:
    async with open_database(settings) as database:
        await database.migrator.up()
    async with open_use_cases(settings) as opened:
        yield opened


@contextmanager
def worker(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "SLOENGINE_STATE_DIR": str(settings.state_dir),
        "SLOENGINE_NEO4J_URL": settings.neo4j_url or "",
        "SLOENGINE_NEO4J_USER": settings.neo4j_user,
        "SLOENGINE_NEO4J_PASSWORD": settings.required_neo4j()[2],
        "SLOENGINE_REDIS_URL": settings.required_redis_url(),
    }
    command = [sys.executable, "-m", "dramatiq", "workers", "--processes", "1", "--threads", "2"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def until[Seen](what: Callable[[], Awaitable[Seen]], done: Callable[[Seen], bool], log: Path) -> Seen:
    deadline = time.monotonic() + 150
    while not done(seen := await what()):
        assert time.monotonic() < deadline, f"{seen}\n{await asyncio.to_thread(log.read_text)}"
        await asyncio.sleep(0.02)
    return seen


async def test_a_worker_killed_in_the_middle_of_an_ingestion_loses_and_doubles_nothing(
    settings: Settings, use_cases: UseCases, tmp_path: Path
):
    rows = [
        {"caller": f"s{i}", "dependency": f"s{(i * 7 + k * 13 + 1) % SERVICES}"}
        for i in range(SERVICES)
        for k in range(5)
        if (i * 7 + k * 13 + 1) % SERVICES != i
    ]
    expected = {(row["caller"], row["dependency"]) for row in rows}
    document = {"services": [{"serviceId": f"s{i}"} for i in range(SERVICES)], "dependencies": rows}
    queued = await use_cases.ingest_dependencies(
        IngestDependenciesCommand(DiscoverySource.MANUAL, document=document), actor=ADMIN
    )

    async def now() -> Ingestion:
        return (await use_cases.read_graph.ingestions([queued.ingestion_id]))[queued.ingestion_id]

    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    with worker(settings, first_log) as process:
        seen = await until(now, lambda i: i.progress > 0.3, first_log)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert seen.status is JobStatus.RUNNING
    assert len((await use_cases.read_graph.graph.snapshot()).dependencies) > 0

    with worker(settings, second_log):
        ended = await until(now, lambda i: i.status is not JobStatus.RUNNING, second_log)

    assert ended.status is JobStatus.SUCCEEDED, ended.error
    assert ended.accepted == SERVICES + len(rows)
    assert (ended.services_created, ended.edges_created) == (SERVICES, len(expected))
    graph = await use_cases.read_graph.graph.snapshot()
    assert len(graph.services) == SERVICES
    assert sorted(edge.pair for edge in graph.dependencies) == sorted(expected)
    claims = await use_cases.read_graph.graph.claims_between(sorted(expected))
    assert {len(claim) for claim in claims.values()} == {1}
    assert ended.graph_version == graph.version >= 1
    assert not (await use_cases.resume_ingestions())


async def test_a_job_whose_messages_are_lost_and_whose_worker_is_killed_loses_and_doubles_nothing(
    settings: Settings, use_cases: UseCases, clean_redis: RedisAddress, tmp_path: Path
):
    ids = [f"s{n:02}" for n in range(40)]
    panel = hourly_panel(*ids, days=12, until=datetime.now(UTC))
    await use_cases.load_sli(LoadSliCommand(panel=panel), actor=ADMIN)
    job = await use_cases.start_recommendation_job(
        StartRecommendationJobCommand(sli_types=[SliType.AVAILABILITY], force=True), actor=ADMIN
    )
    sweep = replace(use_cases.resume_recommendation_jobs, patience=timedelta(0))

    async def now() -> RecommendationJob:
        return (await use_cases.read_recommendations.job([job.job_id]))[job.job_id]

    flush(clean_redis)
    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    with worker(settings, first_log) as process:
        assert list(await sweep()) == [job.job_id]
        await until(now, lambda seen: seen.done > 0, first_log)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    seen = await now()
    assert (seen.status, seen.total) == (JobStatus.RUNNING, len(ids))
    assert 0 < seen.done < len(ids)
    flush(clean_redis)

    with worker(settings, second_log):
        assert list(await sweep()) == [job.job_id]
        ended = await until(now, lambda seen: seen.status is not JobStatus.RUNNING, second_log)

    assert (ended.status, ended.done, ended.failed) == (JobStatus.SUCCEEDED, len(ids), 0)
    pages = await use_cases.read_recommendations.pages(ids, SliType.AVAILABILITY, None, PageRequest(first=5))
    assert {service_id: page.total_count for service_id, page in pages.items()} == dict.fromkeys(ids, 1)
    assert not await sweep()


def five_weeks(service_ids: Sequence[str], fell: Collection[str]) -> SliPanel:
    """Some lose a nine two days before the end, and go on like that."""
    random = np.random.default_rng(3)
    hours = 35 * 24
    total = random.poisson(3_000, (len(service_ids), hours)).astype(float)
    ratio = np.full(total.shape, 1e-3)
    ratio[[service_id in fell for service_id in service_ids], -48:] = 1e-2
    bad = random.binomial(total.astype(int), ratio).astype(float)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return SliPanel(tuple(service_ids), end - hours * HOUR, HOUR, total - bad, total)


@asynccontextmanager
async def nobody_else_stores(settings: Settings, service_id: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Whoever wants to store what is watched of this service waits; gives how many do."""
    url, user, password = settings.required_neo4j()
    async with AsyncGraphDatabase.driver(url, auth=(user, password)) as driver:

        async def waiting() -> int:
            # Only the transaction that has come to the lock is blocked.
            rows = await driver.execute_query(
                "SHOW TRANSACTIONS YIELD status, currentQuery WHERE status STARTS WITH 'Blocked'"
                " AND currentQuery CONTAINS 'DriftWatch' RETURN count(*) AS waiting"
            )
            return int(rows.records[0]["waiting"])

        async with driver.session() as session, await session.begin_transaction() as transaction:
            kind, form = ObjectiveKind.AVAILABILITY.value, FORMAT
            locked = await transaction.run(
                "CREATE (:DriftWatch {service_id: $service_id, kind: $kind, format: $form})",
                service_id=service_id,
                kind=kind,
                form=form,
            )
            await locked.consume()
            yield waiting
            await transaction.rollback()


async def test_a_worker_killed_in_the_middle_of_a_drift_pass_loses_and_doubles_nothing(
    settings: Settings, use_cases: UseCases, clean_redis: RedisAddress, tmp_path: Path
):
    every = [f"s{number:03}" for number in range(LONG_BATCH + 4)]
    first, second = every[:4], every[-4:]  # two groups; most have no telemetry, and cost nothing
    ids, fell = [*first, *second], [first[0], second[0]]
    panel = five_weeks(ids, fell)
    undisturbed = Engine(clock=SetClock(datetime.now(UTC)))
    await undisturbed.use.load_sli(LoadSliCommand(panel=panel), actor=ADMIN)
    expected = {event.service_id: event for event in (await undisturbed.use.detect_drift()).events}
    await use_cases.detect_drift.graph.register(
        [Service(service_id) for service_id in every], now=datetime.now(UTC)
    )
    await use_cases.load_sli(LoadSliCommand(panel=panel), actor=ADMIN)
    queue = DramatiqJobQueue(redis_broker(clean_redis.url))

    async def judged() -> Collection[str]:
        return {service_id for service_id, _ in await use_cases.detect_drift.store.reached(every)}

    async def events() -> Sequence[DriftEvent]:
        return (await use_cases.read_drift.page(DriftFilter(), PageRequest(first=200))).rows

    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    async with nobody_else_stores(settings, second[0]) as waiting:
        with worker(settings, first_log) as process:
            await queue.enqueue("drift.detect")
            await until(waiting, lambda count: count > 0, first_log)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    at_death = await judged()
    flush(clean_redis)  # with the message and the lock of the dead

    with worker(settings, second_log):
        await queue.enqueue("drift.detect")
        await until(judged, lambda seen: seen == set(ids), second_log)
        found = await until(
            events, lambda rows: bool(rows) and all(one.reevaluated_at for one in rows), second_log
        )

    assert at_death == set(first)
    assert set(fell) <= expected.keys()
    assert len({one.service_id for one in found}) == len(found) == len(expected)
    for one in found:
        other = expected[one.service_id]
        assert (one.event_id, one.alarms, one.votes) == (other.event_id, other.alarms, other.votes)
        assert one.recommendation_id is not None
    wanted = AuditFilter(actions=(AuditAction.DRIFT_TRIGGERED,))
    trail = (await use_cases.read_ledger.audit(wanted, PageRequest(first=200))).rows
    assert sorted(entry.service_id for entry in trail) == sorted(one.service_id for one in found)
    assert (await use_cases.read_ledger.verify()).intact


def flush(address: RedisAddress) -> None:
    """Messages, locks and cache are gone, as after a Redis that lost its data."""
    with redis.Redis.from_url(address.url) as client:
        client.flushall()
