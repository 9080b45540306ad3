"""Relayed events as a Redis stream, each once, as long as Redis remembers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.infrastructure.redis.connection import ANSWER_TIMEOUT_SECONDS, redis_errors

STREAM = "sloengine:{events}"
KEPT_EVENTS = 100_000
REMEMBERED_SECONDS = 7 * 24 * 3600
READ_AT_ONCE = 500
LONGEST_WAIT_SECONDS = ANSWER_TIMEOUT_SECONDS - 2  # else the connection would give up first

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
                    "number": event.number,
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

    async def end(self) -> str:
        """The id of the newest entry."""
        with redis_errors("reading events"):
            newest: Any = await self._client.xrevrange(STREAM, count=1)
        return str(newest[0][0], "ascii") if newest else "0-0"

    async def after(self, place: str, wait_seconds: float) -> tuple[str, Sequence[OutboxEvent]]:
        """Waits 3 s at most, which is what a connection allows."""
        wait_ms = int(min(wait_seconds, LONGEST_WAIT_SECONDS) * 1000)
        with redis_errors("reading events"):
            answer: Any = await self._client.xread({STREAM: place}, count=READ_AT_ONCE, block=wait_ms)
        if not answer:
            return place, ()
        entries = _entries(answer)
        return str(entries[-1][0], "ascii"), [_event(fields[b"event"]) for _, fields in entries]


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Those of the one stream asked for, from an answer of either protocol."""
    if isinstance(answer, dict):
        (entries,) = answer[STREAM.encode()]
        return list(entries)
    return list(answer[0][1])


def _event(document: bytes) -> OutboxEvent:
    told = orjson.loads(document)
    return OutboxEvent(
        told["id"],
        told["kind"],
        told["serviceId"],
        datetime.fromisoformat(told["at"]),
        told["payload"],
        told.get("number"),
    )
