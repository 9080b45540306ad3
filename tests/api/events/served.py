"""The application behind a real server on a free port, and a client that speaks graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sloengine.api.events.served import EndingWebSockets
from tests.patience import LONG_SECONDS, until

KEY = "slo_dev_test"


class _Server(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # they are pytest's
        return nullcontext()


@dataclass
class Served:
    """Where it listens. ``stop`` ends it as SIGTERM does."""

    app: FastAPI
    port: int
    server: _Server
    serving: asyncio.Task[None]

    async def stop(self) -> None:
        self.server.should_exit = True
        await asyncio.wait_for(self.serving, LONG_SECONDS)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncGenerator[Served]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, ws=EndingWebSockets, log_config=None, timeout_graceful_shutdown=20
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started or serving.done())
    running = Served(app, server.servers[0].sockets[0].getsockname()[1], server, serving)
    try:
        yield running
    finally:
        await running.stop()


@dataclass
class Client:
    """One connection."""

    socket: ClientConnection
    ids: AsyncIterator[int] | Any = field(default_factory=lambda: count(1))

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), LONG_SECONDS))

    async def subscribe(self, query: str, **variables: Any) -> str:
        operation = str(next(self.ids))
        await self.send(id=operation, type="subscribe", payload={"query": query, "variables": variables})
        return operation

    async def event(self) -> Any:
        """The next event, which must come without errors."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]["events"]

    async def error(self) -> Any:
        """The one error that ends the operation."""
        message = await self.receive()
        if message["type"] == "error":
            (error,) = message["payload"]
            return error
        (error,) = message["payload"]["errors"]
        assert (await self.receive())["type"] == "complete"
        return error

    async def closed(self) -> tuple[int | None, str | None]:
        await asyncio.wait_for(self.socket.wait_closed(), LONG_SECONDS)
        return self.socket.close_code, self.socket.close_reason


@asynccontextmanager
async def connected(
    port: int, *, opening: dict[str, Any] | None = None, header: str | None = None, acknowledged: bool = True
) -> AsyncGenerator[Client]:
    headers = {} if header is None else {"X-API-Key": header}
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers=headers,
        compression=None,
    ) as socket:
        client = Client(socket)
        payload = {"apiKey": KEY} if opening is None and header is None else opening or {}
        await client.send(type="connection_init", payload=payload)
        if acknowledged:
            assert (await client.receive())["type"] == "connection_ack"
        yield client
