"""A worker process on a real Redis, one message of a queue at a time, as `sloengine worker` sets it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

import workers
from sloengine.cli.background import BACKGROUND_ENVIRONMENT, THREADS
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.queue.broker import redis_broker
from sloengine.infrastructure.queue.dramatiq_job_queue import DramatiqJobQueue
from tests.application.organisation import Engine, edges
from tests.patience import LONG_SECONDS, until
from workers.context import context
from workers.middleware import middleware


@pytest.fixture
def broker(clean_redis: RedisAddress) -> Iterator[RedisBroker]:
    broker = redis_broker(clean_redis.url, middleware())
    actors = list(workers.broker.actors.values())
    for actor in actors:
        actor.broker = broker
        broker.declare_actor(actor)
    yield broker
    for actor in actors:
        actor.broker = workers.broker
    context.provide(None)


@pytest.mark.parametrize(
    "slow", ["analyse_graph", "detect_divergences", "learn_pass_through", "discover_dependencies"]
)
async def test_an_ingestion_is_merged_while_what_reads_the_graph_or_other_systems_is_at_work(
    broker: RedisBroker, monkeypatch: pytest.MonkeyPatch, slow: str
):
    monkeypatch.setattr(dramatiq.worker, "QUEUE_PREFETCH", int(BACKGROUND_ENVIRONMENT["dramatiq_queue_prefetch"]))
    engine, began, may_end = Engine(), threading.Event(), threading.Event()

    async def hanging(*_given: object, **_named: object) -> None:
        began.set()
        await asyncio.to_thread(may_end.wait, 10 * LONG_SECONDS)

    object.__setattr__(engine.use, slow, hanging)
    context.provide(engine.use)
    actor = {"discover_dependencies": "discover"}.get(slow, slow)
    given = {"source": "OTEL"} if actor == "discover" else {}
    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=THREADS)
    worker.start()
    try:
        await DramatiqJobQueue(broker).enqueue(f"topology.{actor}", **given)
        await until(began.is_set)
        queued = await engine.submit(dependencies=edges("web>cart"))
        await DramatiqJobQueue(broker).enqueue("topology.merge_ingestion", ingestion_id=queued.ingestion_id)
        await until(lambda: engine.db.ingestions[queued.ingestion_id].status is JobStatus.SUCCEEDED)
    finally:
        may_end.set()
        await asyncio.to_thread(worker.stop)

    assert ("web", "cart") in engine.db.merged
