"""``TraceLatency`` over TraceQL metrics: one query for all services."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson
import structlog

from sloengine.domain.errors import Unavailable
from sloengine.domain.reliability.percentile_range import PercentileRange

log = structlog.get_logger(__name__)

QUERY = "{ kind = server } | quantile_over_time(duration, .99) by (resource.service.name)"
"""All services at once: Tempo reads the same blocks whether one is asked for or all."""
_SERVICE = "resource.service.name"
_NANO = 1e9


@dataclass
class TempoTraceLatency:
    """Asks one Tempo. Create it inside the event loop that uses it; close it when done.

    It is asked once an hour, so failures are retried (``attempts`` with growing pauses) and not remembered.
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

    async def p99(
        self, service_ids: Collection[str], from_at: datetime, to_at: datetime
    ) -> Mapping[str, PercentileRange]:
        """The power-of-two bucket that holds each service's p99."""
        if not service_ids:
            return {}
        answer = await self._ask(
            "/api/metrics/query",
            {"q": QUERY, "start": str(int(from_at.timestamp())), "end": str(int(to_at.timestamp()))},
        )
        wanted = frozenset(service_ids)
        found = {}
        # No data is an answer without series, or a series without value.
        for series in answer.get("series") or ():
            service_id, seconds = _label(series, _SERVICE), series.get("value")
            if service_id in wanted and isinstance(seconds, int | float) and seconds > 0:
                found[service_id] = bucket_of(float(seconds))
        return found

    async def _ask(self, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
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
                raise Unavailable(f"Tempo at {self.base_url} refused a query: {reason}")
            log.warning("tempo.retry", attempt=attempt + 1, reason=reason)
        raise Unavailable(f"Tempo at {self.base_url} did not answer after {self.attempts} attempts: {reason}")


def bucket_of(seconds: float) -> PercentileRange:
    """The bucket that a quantile of Tempo lies in: it counts durations by powers of two, in nanoseconds.

    A figure inside the bucket is interpolated, and knows no more than the bucket.
    Source: grafana/tempo, pkg/traceql/engine_metrics.go, Log2Bucketize and Log2Quantile.

    >>> str(bucket_of(0.1322)), str(bucket_of(0.134217728))
    ('between 67 and 134 ms', 'between 67 and 134 ms')
    """
    exponent = math.ceil(math.log2(round(seconds * _NANO)))
    return PercentileRange(2.0 ** (exponent - 1) / _NANO, 2.0**exponent / _NANO)


def _label(series: Mapping[str, Any], key: str) -> str | None:
    for label in series.get("labels") or ():
        if label.get("key") == key:
            value = label.get("value", {}).get("stringValue")
            return None if value is None else str(value)
    return None


def _object(response: httpx.Response, base_url: str) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"Tempo at {base_url} answered with something else than JSON") from error
    return body if isinstance(body, dict) else {}
