"""Locks across processes: one key with a token, prolonged while the holder lives, released by the holder only."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sloengine.infrastructure.logs import get_logger
from sloengine.infrastructure.redis.connection import AWAY, redis_errors

_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"
_PROLONG = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end
"""


class RedisLocks:
    """Keeps the ``Locks`` port on one Redis.

    A holder that is cut off for longer than the time to live can lose the lock without noticing: what is done
    under it must be safe to run twice. The lock keeps work from being done twice, not from being wrong.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._release = client.register_script(_RELEASE)
        self._prolong = client.register_script(_PROLONG)
        self._log = get_logger(__name__)

    @asynccontextmanager
    async def hold(self, name: str, *, ttl_seconds: float) -> AsyncGenerator[bool]:
        """Enter with True when the lock was got, False when somebody else has it. Raises ``Unavailable``."""
        key, token, ttl_ms = f"sloengine:lock:{name}", secrets.token_hex(16), int(ttl_seconds * 1000)
        with redis_errors(f"taking the lock {name!r}"):
            got = bool(await self._client.set(key, token, nx=True, px=ttl_ms))
        if not got:
            yield False
            return
        prolonging = asyncio.create_task(self._keep(key, token, ttl_ms), name=f"prolong {name}")
        try:
            yield True
        finally:
            prolonging.cancel()
            with suppress(asyncio.CancelledError):
                await prolonging
            with suppress(RedisError, OSError):
                await self._release(keys=[key], args=[token])

    async def _keep(self, key: str, token: str, ttl_ms: int) -> None:
        while True:
            await asyncio.sleep(ttl_ms / 3000)
            try:
                kept = await self._prolong(keys=[key], args=[token, ttl_ms])
            except AWAY:
                self._log.warning("lock not prolonged, Redis is away", lock=key)
                continue
            if not kept:
                self._log.warning("lock lost", lock=key)
                return
