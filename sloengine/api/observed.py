"""Around every request: an id, safe headers, counting, and an answer when something breaks."""

from __future__ import annotations

import re
import secrets
from collections.abc import MutableMapping
from functools import lru_cache
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sloengine.api.http_problems import ProblemResponse
from sloengine.api.metrics import IN_FLIGHT, REQUEST_SECONDS
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)

ROUTES = frozenset({"/", "/graphql", "/health/live", "/health/ready", "/metrics"})
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class ObservedRequests:
    """ASGI middleware. The request id is the caller's ``X-Request-Id`` when it is harmless, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0
        started = perf_counter()

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _complete(message, request_id)
            await send(message)

        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, send_on)
        except Exception:
            log.exception("a request broke", request_id=request_id, path=scope["path"])
            if status:
                raise
            problem = ProblemResponse(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                f"Something went wrong on our side; quote the request id {request_id}.",
                code="INTERNAL",
            )
            await problem(scope, receive, send_on)
        finally:
            IN_FLIGHT.dec()
            _histogram(scope["method"], scope["path"], status).observe(perf_counter() - started)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and ACCEPTABLE_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(16)


def _complete(message: MutableMapping[str, Any], request_id: str) -> None:
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    headers.extend(pair for pair in HEADERS if pair[0] not in present)
    headers.append((b"x-request-id", request_id.encode()))
    message["headers"] = headers


def _histogram(method: str, path: str, status: int) -> Histogram:
    route = path if path in ROUTES else "other"
    return _labelled(method if method in METHODS else "other", route, status)


@lru_cache(maxsize=1024)
def _labelled(method: str, route: str, status: int) -> Histogram:
    return REQUEST_SECONDS.labels(method, route, str(status))
