"""WebSockets as uvicorn serves them, which end also where the client takes nothing any more."""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_FLUSH_SECONDS = 5.0


class EndingWebSockets(WebSocketsSansIOProtocol):
    """A connection that is closed waits for what is still to be sent: for ever, when the client does not read.
    Here it has a few seconds, so that a stop of the server never waits for such a client.
    """

    def shutdown(self) -> None:
        """The server stops: clients are told to connect again (1012)."""
        super().shutdown()
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """The client did not answer a ping."""
        super().keepalive_timeout()
        self._cut_later()

    async def run_asgi(self) -> None:
        """Serve the connection."""
        await super().run_asgi()
        self._cut_later()

    def _cut_later(self) -> None:
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)
