"""Relayed events as a Redis stream, each once."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from redis.asyncio import Redis

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.infrastructure.redis.connection import redis_errors

STREAM = "sloengine:{events}"
KEPT_EVENTS = 100_000
REMEMBERED_SECONDS = 7 * 24 * 3600

# One call per batch: an event whose id was seen before is left out. KEYS[1] is the stream, the others one marker
# per event; ARGV: seconds, length, then per event its JSON.
_PUBLISH = """
local added = 0
for i = 2, #KEYS do
  if redis.call('set', KEYS[i], '1', 'NX', 'EX', ARGV[1]) then
    redis.call('xadd', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'event', ARGV[i + 1])
    added = added + 1
  end
end
return added
"""


class RedisEventStream:
    """Keeps the ``EventStream`` port: stream ``sloengine:{events}``, field ``event`` with JSON."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._publish = client.register_script(_PUBLISH)

    async def publish(self, events: Sequence[OutboxEvent]) -> None:
        """Append, in order; an event id seen within a week is not appended again."""
        if not events:
            return
        keys = [STREAM, *(f"{STREAM}:seen:{event.event_id}" for event in events)]
        documents = [
            orjson.dumps(
                {
                    "id": event.event_id,
                    "kind": event.kind,
                    "serviceId": event.service_id,
                    "at": event.at,
                    "payload": dict(event.payload),
                }
            )
            for event in events
        ]
        with redis_errors("publishing events"):
            await self._publish(keys=keys, args=[REMEMBERED_SECONDS, KEPT_EVENTS, *documents])
