"""The HTTP side: bounded, retried, behind a circuit breaker."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.logs import get_logger
from sloengine.infrastructure.patient_http import shown
from sloengine.infrastructure.prometheus.breaker import CircuitBreaker
from sloengine.infrastructure.prometheus.whole_answers import (
    PartialAnswer,
    lost_values,
    missing_store,
    no_store,
    remarks,
)

log = get_logger(__name__)


LOST_VALUES = "lost values"
NO_STORE = "no store"


@dataclass
class QueryRefused(Exception):
    """The server understood and said no: a bad query, or one that is too large. Not retried.

    ``kind`` is Prometheus' ``errorType`` (``bad_data``, ``execution``, …), ``status`` the HTTP status. Of an
    answer that cannot be counted it is ``LOST_VALUES`` or ``NO_STORE``, and the message the server's warning.
    """

    kind: str
    message: str
    status: int

    @property
    def too_large(self) -> bool:
        """Whether half the range might pass: the points, samples or time limit was hit."""
        text = self.message.lower()
        signs = ("11,000 points", "too many samples", "timed out", "limit", "exceed")
        return self.kind not in {LOST_VALUES, NO_STORE} and any(sign in text for sign in signs)

    def __str__(self) -> str:
        """Status, kind and the server's own words."""
        return f"HTTP {self.status} {self.kind}: {self.message}"


@dataclass(frozen=True)
class ClientLimits:
    """Seconds, counts. ``attempts`` includes the first one."""

    timeout_seconds: float = 30.0
    concurrency: int = 4
    attempts: int = 4
    backoff_seconds: float = 0.25
    backoff_cap_seconds: float = 8.0


_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


@dataclass
class PrometheusClient:
    """Asks one server. Create it inside the event loop that uses it; close it when done."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: ClientLimits = field(default_factory=ClientLimits)
    monotonic: Callable[[], float] = time.monotonic
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        """Open the connection pool."""
        self.breaker = CircuitBreaker(self.monotonic)
        self.query_count = 0
        self._places = asyncio.Semaphore(self.limits.concurrency)
        self._http = httpx.AsyncClient(
            base_url=self.base_url.rstrip("/"),
            headers=dict(self.headers),
            timeout=httpx.Timeout(self.limits.timeout_seconds, connect=5.0),
            limits=httpx.Limits(max_connections=self.limits.concurrency),
            transport=self.transport,
        )

    async def close(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def query_range(self, query: str, *, start: float, end: float, step_seconds: float) -> list[Any]:
        """Range query; unix seconds; the matrix result.

        Raises: Unavailable, when the server does not answer after the retries or the breaker is open; as
        PartialAnswer, when it answers with a part. QueryRefused, when it says no, or that the answer lacks values.
        """
        answer = await self._ask(
            "/api/v1/query_range",
            {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step_seconds:g}"},
        )
        return self._result(answer)

    async def query(self, query: str, *, at: float | None = None, warnings: list[str] | None = None) -> list[Any]:
        """Instant query; the vector result. Raises as ``query_range``.

        ``warnings``: what the server says of its answer is added, and a part is taken; a store behind Thanos or
        Mimir that is away is said there and nowhere else. None: only a whole answer is.
        """
        form = {"query": query} | ({} if at is None else {"time": f"{at:.3f}"})
        return self._result(await self._ask("/api/v1/query", form, warnings))

    def _result(self, answer: Any) -> list[Any]:
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, list) or not all(isinstance(one, dict) and "metric" in one for one in result):
            raise Unavailable(
                f"Prometheus at {self.base_url} answered a query with something that is no result of one: is it"
                " the address of a Prometheus?"
            )
        return result

    async def build(self) -> Mapping[str, Any]:
        """What the server says of itself: ``version``, ``application`` (not Prometheus' own). Empty: nothing.

        Asked once: what stands before a server may let queries through and answer all else with an error, which
        says nothing about the server. Whether it is there shows at the next query.
        Raises: Unavailable, while the breaker is open.
        """
        async with self._places:
            if not self.breaker.admits():
                raise Unavailable(self._resting(""))
            try:
                said = await self._once("/api/v1/status/buildinfo", None)
            except QueryRefused:
                return {}
            except _Retry:
                self.breaker.released()
                return {}
            except asyncio.CancelledError:
                self.breaker.released()
                raise
        return said if isinstance(said, dict) else {}

    async def _ask(self, path: str, form: Mapping[str, str], warnings: list[str] | None = None) -> Any:
        async with self._places:
            reason = ""
            for attempt in range(self.limits.attempts):
                if attempt:
                    await asyncio.sleep(self._pause(attempt))
                if not self.breaker.admits():
                    raise Unavailable(self._resting(reason))
                try:
                    return await self._once(path, form, warnings)
                except _Retry as failure:
                    self.breaker.failed()
                    reason = str(failure)
                    log.warning("prometheus.retry", attempt=attempt + 1, reason=reason)
                except asyncio.CancelledError:
                    self.breaker.released()
                    raise
            raise Unavailable(
                f"Prometheus at {self.base_url} did not answer after {self.limits.attempts} attempts: {reason}"
            )

    async def _once(self, path: str, form: Mapping[str, str] | None, warnings: list[str] | None = None) -> Any:
        try:
            if form is None:
                response = await self._http.get(path)
            else:
                self.query_count += 1
                response = await self._http.post(path, data=dict(form))
        except httpx.HTTPError as error:
            raise _Retry(f"{type(error).__name__}: {error}") from error
        if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            self.breaker.succeeded()
            raise QueryRefused(
                "unauthorized", "check SLOENGINE_PROMETHEUS_TOKEN and the tenant", response.status_code
            )
        body = _json(response)
        if response.status_code == httpx.codes.OK and body is not None and body.get("status") == "success":
            self.breaker.succeeded()
            said = remarks(body)
            if warnings is not None:
                warnings.extend(said)
            elif form is not None:
                self._require_whole(said)
            return body.get("data")
        message = str((body or {}).get("error") or shown(response))
        if body is None and response.status_code == httpx.codes.OK:
            message += " (something else than JSON: is it the address of a Prometheus, and no login page?)"
        kind = str((body or {}).get("errorType") or "http")
        if response.status_code in _RETRIED and not (kind == "timeout" or "timed out" in message):
            raise _Retry(f"HTTP {response.status_code}: {message}")
        self.breaker.succeeded()
        raise QueryRefused(kind, message, response.status_code)

    def _require_whole(self, said: list[str]) -> None:
        """A part must not become a number: the errors may be in what is missing."""
        missing = missing_store(said)
        if missing is not None:
            raise PartialAnswer(f"Prometheus at {self.base_url} gives a part of the data only: {missing}")
        nowhere = no_store(said)
        if nowhere is not None:
            raise QueryRefused(NO_STORE, nowhere, httpx.codes.OK)
        lost = lost_values(said)
        if lost is not None:
            raise QueryRefused(LOST_VALUES, lost, httpx.codes.OK)

    def _pause(self, attempt: int) -> float:
        """Exponential with full jitter, so that many workers do not come back at the same moment."""
        ceiling = min(self.limits.backoff_cap_seconds, self.limits.backoff_seconds * 2**attempt)
        return random.uniform(0, ceiling)  # noqa: S311 - spreads retries, guards nothing

    def _resting(self, reason: str) -> str:
        wait = self.breaker.retry_after_seconds
        why = f" ({reason})" if reason else ""
        return f"Prometheus at {self.base_url} failed repeatedly{why}; it is asked again in {wait:.0f} s"


class _Retry(Exception):
    """This attempt failed in a way that another may not."""


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
