from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dramatiq
import pytest
import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker

from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.queue import waking_broker
from sloengine.infrastructure.queue.broker import NAMESPACE, redis_broker
from sloengine.infrastructure.queue.waking_broker import WakingRedisBroker, wake_key

PATIENCE_SECONDS = 30.0
QUEUE = "topology"


@pytest.fixture
def broker(clean_redis: RedisAddress) -> RedisBroker:
    return redis_broker(clean_redis.url)


def send(broker: RedisBroker, *, delay: int | None = None) -> str:
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=QUEUE, actor_name="topology.merge_ingestion", args=(), kwargs={}, options={}
    )
    broker.enqueue(message, delay=delay)
    return message.message_id


def tokens(broker: RedisBroker) -> int:
    return int(broker.client.llen(wake_key(QUEUE)))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def looking(consumer: Consumer, seen: list[MessageProxy | None], ended: Callable[[], bool]) -> threading.Thread:
    def look() -> None:
        while not ended():
            seen.append(next(consumer))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    return thread


def test_an_idle_consumer_waits_for_a_message_and_is_woken_by_it(
    clean_redis: RedisAddress, monkeypatch: pytest.MonkeyPatch
):
    """It would wait for ten minutes: only the token can have woken it."""
    ten_minutes = 600_000
    monkeypatch.setattr(waking_broker, "_LONGEST_WAIT_MS", ten_minutes)
    client = redis.Redis.from_url(clean_redis.url, socket_timeout=None)
    broker = WakingRedisBroker(client=client, namespace=NAMESPACE, middleware=[])  # type: ignore[no-untyped-call]
    seen: list[MessageProxy | None] = []

    def ended() -> bool:
        return bool(seen) and seen[-1] is not None

    thread = looking(broker.consume(QUEUE, prefetch=1, timeout=ten_minutes), seen, ended)
    until(lambda: broker.client.info("clients")["blocked_clients"] == 1)
    sent = send(broker)
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()
    assert [None if message is None else message.message_id for message in seen] == [None, sent]
    assert tokens(broker) == 0


def test_a_consumer_with_its_hands_full_leaves_the_token_to_others_and_goes_on_when_one_is_done(
    broker: RedisBroker,
):
    consumer = broker.consume(QUEUE, prefetch=1, timeout=int(10 * PATIENCE_SECONDS * 1000))
    first = send(broker)
    taken = next(consumer)
    assert taken is not None
    assert taken.message_id == first
    second = send(broker)
    before = tokens(broker)
    seen: list[MessageProxy | None] = []

    thread = looking(consumer, seen, lambda: bool(seen) and seen[-1] is not None)
    consumer.ack(taken)
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()
    assert [message.message_id for message in seen if message is not None] == [second]
    assert tokens(broker) == before == 2


def test_messages_for_later_wake_nobody_and_tokens_do_not_pile_up(broker: RedisBroker):
    send(broker, delay=60_000)
    assert tokens(broker) == 0

    for _ in range(40):
        send(broker)

    assert tokens(broker) == 16
    assert 0 < broker.client.ttl(wake_key(QUEUE)) <= 60


def test_a_message_whose_token_is_lost_is_found_all_the_same(broker: RedisBroker):
    sent = send(broker)
    broker.client.delete(wake_key(QUEUE))

    found = next(broker.consume(QUEUE, prefetch=1, timeout=1_000))

    assert found is not None
    assert found.message_id == sent
