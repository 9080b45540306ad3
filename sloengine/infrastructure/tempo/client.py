"""One Tempo, asked over HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)


class TempoRefused(Unavailable):
    """Tempo answered and does not take the query: another one may do."""


@dataclass
class TempoClient:
    """Asks one Tempo. Create it inside the event loop that uses it; close it when done.

    It is asked seldom, so failures are retried (``attempts`` with growing pauses) and not remembered.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 30.0
    attempts: int = 3
    backoff_seconds: float = 0.5
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        """Open the connection pool."""
        self._http = httpx.AsyncClient(
            base_url=self.base_url.rstrip("/"),
            headers=dict(self.headers),
            timeout=httpx.Timeout(self.timeout_seconds, connect=5.0),
            transport=self.transport,
        )

    async def close(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def ask(self, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The answer to one request.

        Raises ``Unavailable``; of these ``TempoRefused`` for a query that Tempo does not understand (400).
        """
        reason = ""
        for attempt in range(self.attempts):
            if attempt:
                pause = self.backoff_seconds * 2**attempt
                await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - spreads retries, guards nothing
            try:
                response = await self._http.get(path, params=dict(parameters))
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if response.status_code == httpx.codes.OK:
                return _object(response, self.base_url)
            reason = f"HTTP {response.status_code}: {response.text[:200].strip()}"
            if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR and response.status_code not in {408, 429}:
                kind = TempoRefused if response.status_code == httpx.codes.BAD_REQUEST else Unavailable
                raise kind(f"Tempo at {self.base_url} refused a query: {reason}")
            log.warning("tempo.retry", attempt=attempt + 1, reason=reason)
        raise Unavailable(f"Tempo at {self.base_url} did not answer after {self.attempts} attempts: {reason}")


def _object(response: httpx.Response, base_url: str) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"Tempo at {base_url} answered with something else than JSON") from error
    return body if isinstance(body, dict) else {}
