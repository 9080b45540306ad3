from __future__ import annotations

import dramatiq
import pytest
from dramatiq.broker import MessageProxy
from dramatiq.middleware import SkipMessage

from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.queue.broker import redis_broker
from workers.middleware import OncePerTick


def message(tick: str | None) -> MessageProxy:
    options = {} if tick is None else {"scheduled_at": tick}
    return MessageProxy(dramatiq.Message("telemetry", "telemetry.aggregate", (), {}, options))


def test_of_two_schedulers_ticks_one_is_worked_on(clean_redis: RedisAddress):
    broker, once = redis_broker(clean_redis.url), OncePerTick()
    first, second = message("2026-03-02T12:02:00+00:00"), message("2026-03-02T12:02:01+00:00")

    once.before_process_message(broker, first)
    with pytest.raises(SkipMessage):
        once.before_process_message(broker, second)

    once.before_process_message(broker, first)
    once.before_process_message(broker, message("2026-03-02T13:02:00+00:00"))
    once.before_process_message(broker, message(None))
