"""Recommendations for a day in Redis: a copy of the store's newest answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from redis.asyncio import Redis

from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.infrastructure.documents import decode_result, encode_result
from sloengine.infrastructure.logs import get_logger
from sloengine.infrastructure.redis.connection import AWAY
from sloengine.infrastructure.redis.decoded_documents import DecodedDocuments

LIFETIME_SECONDS = 24 * 3600
SCHEMA = 2
"""Moves whenever the document's shape changes, so that no process reads what another version wrote."""
PAUSE_SECONDS = 5.0
DECODED_BYTES = 16 * 1024 * 1024

_GENERATION_DIGITS = 12


class RedisRecommendationCache:
    """Keeps the ``RecommendationCache`` port.

    Each entry is led by the generation it was written in; dropping everything moves the generation, and readers
    take only entries of the current one: reading any number of services is one round trip. While Redis is away
    the cache is empty and forgetful, asks again only every few seconds, and says so once.
    """

    def __init__(
        self, client: Redis, *, engine_version: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._prefix = f"sloengine:recommendation:{SCHEMA}:{engine_version}"
        self._generation_key = f"{self._prefix}:generation"
        self._monotonic = monotonic
        self._paused_until = 0.0
        self._away = False
        self._log = get_logger(__name__)
        self._decoded = DecodedDocuments(decode_result, max_bytes=DECODED_BYTES)

    async def get(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """Hits only."""
        if not service_ids or self._is_paused():
            return {}
        keys = [self._generation_key, *(self._key(service_id, sli_type) for service_id in service_ids)]
        try:
            generation, *entries = await self._client.mget(keys)
        except AWAY as error:
            self._pause(error)
            return {}
        self._back()
        expected = _generation_bytes(generation)
        hits: dict[str, RecommendationResult] = {}
        for service_id, key, entry in zip(service_ids, keys[1:], entries, strict=True):
            if isinstance(entry, bytes) and entry[:_GENERATION_DIGITS] == expected:
                hits[service_id] = self._decoded.value(key, entry[_GENERATION_DIGITS:])
        return hits

    async def put(self, results: Sequence[RecommendationResult]) -> None:
        """Store these."""
        if not results or self._is_paused():
            return
        try:
            lead = _generation_bytes(await self._client.get(self._generation_key))
            async with self._client.pipeline(transaction=False) as pipe:
                for result in results:
                    key = self._key(result.service_id, result.sli_type)
                    pipe.set(key, lead + encode_result(result), ex=LIFETIME_SECONDS)
                await pipe.execute()
        except AWAY as error:
            self._pause(error)
        else:
            self._back()

    async def invalidate(self, service_ids: Sequence[str] | None) -> None:
        """Drop these services' entries, or (None) all.

        Tried even during a pause: an entry that outlives its drop would be read as true.
        """
        try:
            if service_ids is None:
                await self._client.incr(self._generation_key)
            elif service_ids:
                keys = [self._key(service_id, kind) for service_id in service_ids for kind in SliType]
                await self._client.unlink(*keys)
        except AWAY as error:
            self._pause(error)

    def _key(self, service_id: str, sli_type: SliType) -> str:
        return f"{self._prefix}:{sli_type}:{service_id}"

    def _is_paused(self) -> bool:
        return self._monotonic() < self._paused_until

    def _pause(self, error: Exception) -> None:
        self._paused_until = self._monotonic() + PAUSE_SECONDS
        if not self._away:
            self._away = True
            self._log.warning("recommendation cache away, reading from the store", error=type(error).__name__)

    def _back(self) -> None:
        if self._away:
            self._away = False
            self._log.info("recommendation cache back")


def _generation_bytes(generation: bytes | str | None) -> bytes:
    return str(int(generation or 0)).zfill(_GENERATION_DIGITS).encode()
