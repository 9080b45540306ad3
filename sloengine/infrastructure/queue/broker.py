"""The Dramatiq broker, the same for those who send and those who work."""

from __future__ import annotations

import time
from collections.abc import Sequence

import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.queue.waking_broker import WakingRedisBroker

NAMESPACE = "sloengine:queue"
HEARTBEAT_TIMEOUT_MS = 15_000
"""A worker silent for so long is dead, and its messages go back to the queue (Dramatiq's default is a minute)."""
MAINTENANCE_PER_MILLION = 50_000
"""Share of commands that look for dead workers: an idle worker looks at each queue about once a second."""

QUEUES = {
    "topology.analyse_graph": "graph_upkeep",
    "topology.detect_divergences": "graph_upkeep",
    "topology.learn_pass_through": "graph_upkeep",
    "topology.discover": "discovery",
    "topology.discover_due": "discovery",
}
"""Actors that take long beside the others of their topic. A worker process takes one message of a queue at a time,
so an ingestion would wait for them."""


def redis_broker(url: str, middleware: Sequence[Middleware] = ()) -> RedisBroker:
    """A broker that fails within seconds when Redis is away, and whose idle workers wake up for a message."""
    client = redis.Redis.from_url(
        url, socket_connect_timeout=2.0, socket_timeout=5.0, socket_keepalive=True, health_check_interval=30
    )
    return WakingRedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=list(middleware),
        namespace=NAMESPACE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_PER_MILLION,
    )


def queue_of(actor_name: str) -> str:
    """The queue of an actor: its topic, the part of the name before the dot, unless ``QUEUES`` names another.

    >>> queue_of("topology.merge_ingestion"), queue_of("topology.analyse_graph")
    ('topology', 'graph_upkeep')
    """
    topic, dot, _ = actor_name.partition(".")
    if not dot:
        raise ValueError(f"an actor is named topic.deed, not {actor_name!r}")
    return QUEUES.get(actor_name, topic)


def living_workers(url: str) -> int:
    """Worker processes whose heartbeat is fresh. Raises ``Unavailable``."""
    client = redis.Redis.from_url(url, socket_connect_timeout=2.0, socket_timeout=5.0)
    oldest = (time.time() * 1000) - HEARTBEAT_TIMEOUT_MS
    try:
        return int(client.zcount(f"{NAMESPACE}:__heartbeats__", oldest, "+inf"))
    except redis.RedisError as error:
        raise Unavailable(f"Redis does not answer ({type(error).__name__}); no worker can be seen") from error
    finally:
        client.close()
