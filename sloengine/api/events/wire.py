"""One WebSocket as the handler of the protocol sees it: JSON objects, and an end whatever the client does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected

from sloengine.api.encoding import encoded

LONGEST_REASON_BYTES = 123  # of a close frame


class Wire:
    """Waits ``send_seconds`` for the client to take a message, then drops the connection.

    Made in the task that reads: dropping cancels it.
    """

    def __init__(self, websocket: WebSocket, send_seconds: float) -> None:
        self._websocket = websocket
        self._send_seconds = send_seconds
        self._reader = asyncio.current_task()
        self._closed = False
        self.dropped = False

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object]:
        """Messages, until either side ends."""
        while not self._closed:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._closed = True
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            try:
                parsed = orjson.loads(text)
            except ValueError as error:
                raise NonJsonMessageReceived from error
            if not isinstance(parsed, dict):
                raise NonJsonMessageReceived
            yield parsed

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Raises ``WebSocketDisconnected`` where nobody takes it."""
        if self._closed:
            raise WebSocketDisconnected
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._websocket.send_text(encoded(message).decode())
        except TimeoutError as error:
            self._drop()
            raise WebSocketDisconnected from error
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye, once."""
        if self._closed:
            return
        self._closed = True
        short = reason.encode()[:LONGEST_REASON_BYTES].decode(errors="ignore")
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._websocket.close(code, short)
        except TimeoutError:
            self._drop()
        except (WebSocketDisconnect, RuntimeError):
            pass  # it has gone by itself

    def _drop(self) -> None:
        self._closed = True
        if self._reader is not None and not self.dropped:
            self.dropped = True
            self._reader.cancel()
