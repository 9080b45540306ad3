"""A Redis broker whose idle workers wake up when a message comes, instead of asking again after a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis
from dramatiq import Message
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import dq_name

_KEY = "sloengine:wake:"
_TOKENS = 16
"""Kept of those that nobody waited for: enough for a few idle workers, few enough to be used up at once."""
_TOKEN_SECONDS = 60
_LONGEST_WAIT_MS = 1_000
"""A message without a token, such as one of a dead worker, waits no longer; less than the socket's timeout."""


def wake_key(queue_name: str) -> str:
    """Where the tokens of a queue lie.

    >>> wake_key("topology")
    'sloengine:wake:topology'
    """
    return _KEY + queue_name


class WakingRedisBroker(RedisBroker):
    """Dramatiq's own, which puts a token beside each message for one idle consumer to wait for.

    The message alone is what counts: a token that is lost, or too many of them, cost a look at the queue.
    """

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Enqueue, and wake one who waits. A message for later is woken for when its time has come."""
        sent = super().enqueue(message, delay=delay)
        if delay is None:
            key = wake_key(message.queue_name)
            # Whatever goes wrong here: the message is in the queue, and found there within a second.
            with suppress(redis.RedisError), self.client.pipeline(transaction=False) as pipeline:
                pipeline.lpush(key, b"")
                pipeline.ltrim(key, 0, _TOKENS - 1)
                pipeline.expire(key, _TOKEN_SECONDS)
                pipeline.execute()
        return sent

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """A consumer that waits for a token where there is nothing to do, at most ``timeout`` milliseconds."""
        if queue_name == dq_name(queue_name):  # what is delayed has to be looked at from time to time
            return super().consume(queue_name, prefetch, timeout)
        return _WokenConsumer(super().consume(queue_name, prefetch, 0), self.client, queue_name, prefetch, timeout)


class _WokenConsumer(Consumer):
    """Another consumer, which never sleeps by itself, and the waiting."""

    def __init__(
        self, inner: Any, client: redis.Redis, queue_name: str, prefetch: int, timeout_milliseconds: int
    ) -> None:
        self._inner = inner
        self._client = client
        self._key = wake_key(queue_name)
        self._prefetch = prefetch
        self._timeout_seconds = timeout_milliseconds / 1000
        self._longest_wait_seconds = min(timeout_milliseconds, _LONGEST_WAIT_MS) / 1000
        self._freed = threading.Event()

    def __next__(self) -> MessageProxy | None:
        """The next message; None after waiting, whether or not there is one now."""
        # Asked before: done meanwhile, the last message must not make this one take a token of a queue that it has
        # not looked at.
        is_full = self._inner.outstanding_message_count >= self._prefetch
        message: MessageProxy | None = next(self._inner)
        if message is None:
            self._wait(is_full)
        return message

    def ack(self, message: MessageProxy) -> None:
        """Done: there is room for another one."""
        try:
            self._inner.ack(message)
        finally:
            self._freed.set()

    def nack(self, message: MessageProxy) -> None:
        """Given up: there is room for another one."""
        try:
            self._inner.nack(message)
        finally:
            self._freed.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Back into the queue."""
        self._inner.requeue(messages)

    def close(self) -> None:
        """Close what it wraps."""
        self._inner.close()

    def _wait(self, is_full: bool) -> None:
        if is_full:
            # Another worker shall have the token: this one takes no more until a message is done.
            self._freed.wait(self._timeout_seconds)
            self._freed.clear()
            return
        try:
            self._client.blpop([self._key], timeout=self._longest_wait_seconds)
        except redis.RedisError:  # the next look at the queue says what is wrong
            time.sleep(self._longest_wait_seconds)
