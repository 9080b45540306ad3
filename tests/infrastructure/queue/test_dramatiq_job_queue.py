from __future__ import annotations

import time

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.queue.broker import NAMESPACE, redis_broker
from sloengine.infrastructure.queue.dramatiq_job_queue import DramatiqJobQueue


async def test_an_actor_gets_its_ids_without_being_imported_by_the_sender():
    got: list[str] = []
    broker = StubBroker(middleware=[AsyncIO()])

    @dramatiq.actor(broker=broker, actor_name="topology.merge_ingestion", queue_name="topology")
    async def merge(ingestion_id: str) -> None:
        got.append(ingestion_id)

    await DramatiqJobQueue(broker).enqueue("topology.merge_ingestion", ingestion_id="7")

    worker = dramatiq.Worker(broker, worker_timeout=50)
    worker.start()
    broker.join("topology", fail_fast=True)
    worker.stop()
    assert got == ["7"]


async def test_a_message_waits_in_redis_for_a_worker(clean_redis: RedisAddress):
    broker = redis_broker(clean_redis.url)

    await DramatiqJobQueue(broker).enqueue("topology.merge_ingestion", ingestion_id="7")

    assert broker.client.llen(f"{NAMESPACE}:topology") == 1


async def test_without_redis_enqueueing_is_unavailable_within_seconds(dead_port: int):
    broker = redis_broker(f"redis://127.0.0.1:{dead_port}/0")
    begun = time.monotonic()

    with pytest.raises(Unavailable):
        await DramatiqJobQueue(broker).enqueue("topology.merge_ingestion", ingestion_id="7")

    assert time.monotonic() - begun < 30
