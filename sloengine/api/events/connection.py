"""One client's connection: who it is, for how long, and the operations on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.types.graphql import OperationType

from sloengine.api.context import Context
from sloengine.api.events.wire import Wire
from sloengine.api.metrics import EVENT_SUBSCRIPTIONS
from sloengine.domain.governance.model import Actor
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)

UNAUTHORIZED, FORBIDDEN, TOO_MANY = 4401, 4403, 4429


@dataclass(frozen=True, slots=True)
class SubscriptionLimits:
    """Per API process. ``recheck_seconds``: how long a key that no longer holds goes on at most. ``send_seconds``:
    how long a client may take for a message before it is dropped.
    """

    connections_per_client: int = 20
    operations_per_connection: int = 20
    init_seconds: float = 10.0
    recheck_seconds: float = 30.0
    send_seconds: float = 20.0


@dataclass
class Opening:
    """What the first message brings; the protocol's handler puts it here."""

    connection_params: dict[str, Any] = field(default_factory=dict)


class Refusal(Exception):
    """The connection ends, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class SubscriptionConnection(BaseGraphQLTransportWSHandler[Any, None]):
    """``graphql-transport-ws`` for subscriptions; queries and mutations go by POST.

    ``identify``: who the opening says it is; raises ``Refusal``. It is asked again and again while the connection
    lasts. ``admit``: counts the client in; raises ``Refusal``.
    """

    def __init__(
        self,
        wire: Wire,
        schema: strawberry.Schema,
        *,
        limits: SubscriptionLimits,
        identify: Callable[[Mapping[str, Any]], Actor],
        admit: Callable[[Actor], None],
        context: Callable[[Actor], Context],
    ) -> None:
        self._opening = Opening()
        super().__init__(
            view=cast("Any", self),  # all it asks of a view is on_ws_connect
            websocket=cast("Any", wire),
            context=self._opening,
            root_value=None,
            schema=cast("Any", _OneContextEach(schema, self._context)),
            connection_init_wait_timeout=timedelta(seconds=limits.init_seconds),
        )
        self._limits = limits
        self._identify = identify
        self._admit = admit
        self._make_context = context
        self._recheck: asyncio.Task[None] | None = None
        self.actor: Actor | None = None
        """Who it is; None: not admitted."""

    def _context(self) -> Context:
        if self.actor is None:
            raise AssertionError("an operation before the connection was acknowledged")
        return self._make_context(self.actor)

    async def on_ws_connect(self, opening: Opening) -> object:
        """Let in who is known, and go on asking whether it still is."""
        try:
            actor = self._identify(opening.connection_params)
            self._admit(actor)
        except Refusal as refusal:
            await self.websocket.close(refusal.code, refusal.reason)
            raise ConnectionRejectionError from refusal
        self.actor = actor
        self._recheck = asyncio.create_task(self._ask_again(actor))
        return strawberry.UNSET

    async def _ask_again(self, actor: Actor) -> None:
        while True:
            await asyncio.sleep(self._limits.recheck_seconds)
            try:
                now = self._identify(self._opening.connection_params)
            except Refusal as refusal:
                await self.websocket.close(refusal.code, refusal.reason)
                return
            if now != actor:
                await self.websocket.close(FORBIDDEN, "What you may do has changed. Connect again.")
                return

    async def handle_message(self, message: Any) -> None:
        """Answer one message; what is malformed ends the connection."""
        try:
            await super().handle_message(message)
        except (TypeError, AttributeError):
            await self.handle_invalid_message("Failed to parse message")

    async def handle_subscribe(self, message: Any) -> None:
        """Start one operation, if there is room for it."""
        payload = message["payload"]
        variables = payload.get("variables")
        if not isinstance(payload["query"], str) or not (variables is None or isinstance(variables, dict)):
            await self.handle_invalid_message("query must be a text, variables an object")
            return
        if len(self.operations) >= self._limits.operations_per_connection and message["id"] not in self.operations:
            error = GraphQLError(
                f"{len(self.operations)} subscriptions are open on this connection: end one first",
                extensions={"code": "TOO_MANY_SUBSCRIPTIONS"},
            )
            await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Any) -> None:
        """As long as it lasts, it is counted."""
        with EVENT_SUBSCRIPTIONS.track_inprogress(), suppress(WebSocketDisconnected):
            await super().run_operation(operation)

    async def handle_task_exception(self, error: Exception) -> None:
        """A client that has gone is no fault."""
        if not isinstance(error, WebSocketDisconnected):
            log.error("a subscription broke", exc_info=error)

    async def shutdown(self) -> None:
        """Everything that the connection has started ends."""
        if self._recheck is not None:
            self._recheck.cancel()
        await super().shutdown()


class _OneContextEach:
    """The schema, with a context of its own for each operation."""

    def __init__(self, schema: strawberry.Schema, context: Callable[[], Context]) -> None:
        self._schema = schema
        self._context = context

    async def stream(self, query: str, **options: Any) -> AsyncGenerator[Any]:
        """Results of one operation."""
        options["context_value"] = self._context()
        return await self._schema.stream(query, **options, allowed_operation_types=[OperationType.SUBSCRIPTION])
