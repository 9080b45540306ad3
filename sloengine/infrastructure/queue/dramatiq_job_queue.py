"""Enqueue actors by name, without importing them."""

from __future__ import annotations

import asyncio

import dramatiq
import redis.exceptions
from dramatiq.broker import Broker

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.queue.broker import queue_of


class DramatiqJobQueue:
    """Keeps the ``JobQueue`` port on a broker. Sending blocks, so it runs in a thread."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def enqueue(self, actor_name: str, /, **ids: str | list[str] | None) -> None:
        """Hand over one message. Raises ``Unavailable`` when the broker is away."""
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue_of(actor_name), actor_name=actor_name, args=(), kwargs=dict(ids), options={}
        )
        try:
            await asyncio.to_thread(self._broker.enqueue, message)
        except (redis.exceptions.RedisError, dramatiq.errors.BrokerConnectionError, OSError) as error:
            raise Unavailable(
                f"the queue does not take {actor_name!r} ({type(error).__name__}); it is tried again later"
            ) from error
