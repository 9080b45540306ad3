"""What surrounds every actor: limits, retries, the event loop, the clock's ticks."""

from __future__ import annotations

from importlib import import_module

import structlog
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.broker import Broker, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Middleware, Retries, SkipMessage
from dramatiq.worker import Worker
from periodiq import PeriodiqMiddleware
from redis.exceptions import RedisError

from sloengine.infrastructure.logs import get_logger
from workers.context import context
from workers.endings import Endings

TICK_KEPT_SECONDS = 3600
LATEST_TICK_SECONDS = 1800
"""A tick that no worker took for so long is left out: the next one does the same work."""

_log = get_logger(__name__)


class Connections(Middleware):
    """Loads what use cases need, and closes their connections in the loop that opened them, before it ends."""

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Called where actors will run, so not in a scheduler."""
        import_module("sloengine.bootstrap.connections")

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Called before ``Endings`` stops the loop, because "after" runs in reverse."""
        loop = get_event_loop_thread()
        if loop is not None:
            loop.run_coroutine(context.close())


class OncePerTick(Middleware):
    """Lets one message through for each tick of an actor's clock, however many schedulers run."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Skip what another scheduler has enqueued as well. A message that comes again is let through."""
        tick = message.options.get("scheduled_at")
        if tick is None or not isinstance(broker, RedisBroker):
            return
        key = f"sloengine:tick:{message.actor_name}:{str(tick)[:16]}"
        try:
            first = broker.client.set(key, message.message_id, nx=True, ex=TICK_KEPT_SECONDS)
            taken_by = None if first else broker.client.get(key)
        except RedisError:
            return
        if taken_by is not None and taken_by != message.message_id.encode():
            raise SkipMessage


class RequestIds(Middleware):
    """Puts actor and message into every line that is logged while a message is worked on."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Bind."""
        structlog.contextvars.bind_contextvars(actor=message.actor_name, message_id=message.message_id)

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Say how it ended, and unbind."""
        if exception is not None:
            _log.warning("actor did not finish", error=f"{type(exception).__name__}: {exception}")
        structlog.contextvars.unbind_contextvars("actor", "message_id")

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """Unbind."""
        self.after_process_message(broker, message)


def middleware() -> list[Middleware]:
    """In Dramatiq's order: before-hooks from the first to the last, after-hooks back."""
    return [
        AgeLimit(),
        Retries(max_retries=5, min_backoff=1_000, max_backoff=60_000),
        Endings(time_limit=600_000),
        Connections(),
        PeriodiqMiddleware(skip_delay=LATEST_TICK_SECONDS),
        OncePerTick(),
        RequestIds(),
    ]
