"""Subscriptions over WebSockets: who may connect, and how often."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

import strawberry
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from sloengine.api.authentication import DevelopmentKey, Unauthenticated
from sloengine.api.context import Context
from sloengine.api.events.connection import (
    TOO_MANY,
    UNAUTHORIZED,
    Refusal,
    SubscriptionConnection,
    SubscriptionLimits,
)
from sloengine.api.events.wire import Wire
from sloengine.api.metrics import EVENT_CONNECTIONS
from sloengine.domain.governance.model import Actor

KEY_PARAMETERS = frozenset({"apikey", "x-api-key"})


class SubscriptionSocket:
    """An ASGI application for WebSockets.

    The key comes in the header ``X-API-Key`` of the handshake, or, from browsers, which cannot send one, as
    ``apiKey`` in the payload of ``connection_init``. Nothing is sent along by a browser on its own, so it does not
    matter which page connects.
    """

    def __init__(
        self, schema: strawberry.Schema, keys: DevelopmentKey, limits: SubscriptionLimits | None = None
    ) -> None:
        self._schema = schema
        self._keys = keys
        self._limits = limits or SubscriptionLimits()
        self._connected: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until it ends."""
        websocket = WebSocket(scope, receive, send)
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(4406, f"Subprotocol not acceptable: speak {GRAPHQL_TRANSPORT_WS_PROTOCOL}.")
            return
        await websocket.accept(subprotocol=GRAPHQL_TRANSPORT_WS_PROTOCOL)
        header = dict(scope["headers"]).get(b"x-api-key")
        request_id = secrets.token_hex(16)
        wire = Wire(websocket, self._limits.send_seconds)
        connection = SubscriptionConnection(
            wire,
            self._schema,
            limits=self._limits,
            identify=lambda opening: self._identify(opening, header),
            admit=self._admit,
            context=lambda actor: Context(scope["app"].state.use_cases, actor, request_id),
        )
        try:
            await connection.handle()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not wire.dropped or task is None or task.uncancel():
                raise
        finally:
            if connection.actor is not None:
                self._leave(connection.actor)

    def _identify(self, opening: Mapping[str, Any], header: bytes | None) -> Actor:
        given = next((value for name, value in opening.items() if name.lower() in KEY_PARAMETERS), None)
        presented = given.encode() if isinstance(given, str) else header
        try:
            return self._keys.actor(presented)
        except Unauthenticated as unknown:
            raise Refusal(UNAUTHORIZED, unknown.detail) from unknown

    def _admit(self, actor: Actor) -> None:
        if self._connected[actor.subject] >= self._limits.connections_per_client:
            raise Refusal(
                TOO_MANY,
                f"You have {self._limits.connections_per_client} connections: close one, or use it for more.",
            )
        self._connected[actor.subject] += 1
        EVENT_CONNECTIONS.inc()

    def _leave(self, actor: Actor) -> None:
        self._connected[actor.subject] -= 1
        if not self._connected[actor.subject]:
            del self._connected[actor.subject]
        EVENT_CONNECTIONS.dec()
