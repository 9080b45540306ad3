"""The use cases of this process, opened in the event loop that the actors run in."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from sloengine.bootstrap.settings import Settings

if TYPE_CHECKING:
    from sloengine.bootstrap.container import UseCases


class Context:
    """Opened by the first actor that needs it: a worker starts while Neo4j or Redis is still on its way."""

    def __init__(self) -> None:
        self._use_cases: UseCases | None = None
        self._stack: AsyncExitStack | None = None
        self._opening: asyncio.Lock | None = None

    async def use_cases(self) -> UseCases:
        """The use cases. Raises ``Unavailable``: the message is then tried again."""
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._use_cases is None:
                # Imported here, and before a worker's first message: a scheduler, which only names actors, starts
                # in a fifth of the time without it.
                from sloengine.bootstrap.collector import settle_collector  # noqa: PLC0415
                from sloengine.bootstrap.connections import open_use_cases  # noqa: PLC0415

                stack = AsyncExitStack()
                opened = await stack.enter_async_context(open_use_cases(Settings()))
                self._use_cases, self._stack = opened, stack
                settle_collector()
                return opened
            return self._use_cases

    def provide(self, use_cases: UseCases | None) -> None:
        """Use these instead of opening any; None: forget what there is."""
        self._use_cases = use_cases
        self._stack = None
        self._opening = None

    async def close(self) -> None:
        """Give connections back."""
        stack = self._stack
        self.provide(None)
        if stack is not None:
            await stack.aclose()


context = Context()


async def use_cases() -> UseCases:
    """The use cases of this process."""
    return await context.use_cases()
