"""Something between the driver and the server that counts messages and can cut connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from urllib.parse import urlsplit

from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, open_connection


class Wire:
    """Stands between driver and server: counts what the driver sends, and can cut the connections."""

    def __init__(self) -> None:
        self.sent = 0
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def carry(
        self, server: Neo4jAddress, near: asyncio.StreamReader, near_out: asyncio.StreamWriter
    ) -> None:
        address = urlsplit(server.url)
        far, far_out = await asyncio.open_connection(address.hostname, address.port)
        self._writers += [near_out, far_out]
        await asyncio.gather(self._pass(near, far_out, counted=1), self._pass(far, near_out, counted=0))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: int) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                self.sent += counted
                writer.write(chunk)
        writer.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def between(server: Neo4jAddress) -> AsyncIterator[Wire]:
    wire = Wire()
    listening = await asyncio.start_server(lambda r, w: wire.carry(server, r, w), "127.0.0.1", 0)
    wire.port = listening.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        wire.cut()
        listening.close()


def open_through(wire: Wire, server: Neo4jAddress) -> AbstractAsyncContextManager[Neo4jConnection]:
    return open_connection(f"bolt://127.0.0.1:{wire.port}", server.user, server.password)
