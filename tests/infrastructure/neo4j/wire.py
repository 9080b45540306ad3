"""Something between the driver and the server that counts messages and can cut connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from urllib.parse import urlsplit

from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, open_connection

COMMIT = bytes.fromhex("0002 b012 0000")
"""The message as Bolt frames it: its length, a structure without fields, the end."""


class Wire:
    """Stands between driver and server: counts what either sends, and can cut the connections."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        """Bytes from the server."""
        self.port = 0
        self.commits_to_lose = 0
        """So many commits reach the server, and their answers are lost with the connection."""
        self._writers: list[asyncio.StreamWriter] = []

    async def carry(
        self, server: Neo4jAddress, near: asyncio.StreamReader, near_out: asyncio.StreamWriter
    ) -> None:
        address = urlsplit(server.url)
        far, far_out = await asyncio.open_connection(address.hostname, address.port)
        self._writers += [near_out, far_out]
        committing = asyncio.Event()
        await asyncio.gather(
            self._pass(near, far_out, committing, from_driver=True),
            self._pass(far, near_out, committing, from_driver=False),
        )

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        committing: asyncio.Event,
        *,
        from_driver: bool,
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                if from_driver:
                    self.sent += 1
                    if self.commits_to_lose and COMMIT in chunk:
                        self.commits_to_lose -= 1
                        committing.set()
                elif committing.is_set():  # the server has done it
                    self.cut()
                    return
                else:
                    self.received += len(chunk)
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
