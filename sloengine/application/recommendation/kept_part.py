"""A large part of the graph, made ready: kept for the next question about the same services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sloengine.application.recommendation.prepared import Prepared

KEEP_SECONDS = 600.0


@dataclass(slots=True)
class KeptPart:
    """One at a time: of 10,000 services it takes hundreds of megabytes, so it is let go of before another one is
    made, and when nobody has asked for it for a while.
    """

    keep_seconds: float = KEEP_SECONDS
    _kept: tuple[object, bool, Prepared] | None = field(default=None, init=False)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _letting_go: asyncio.TimerHandle | None = field(default=None, init=False)

    async def of(self, key: object, make: Callable[[], Awaitable[Prepared]], *, only_below: bool) -> Prepared:
        """What was made last, if it was under this key; else it is made. Who comes meanwhile waits.

        ``key``: all that it rests on. ``only_below``: whether it is enough if nothing is learnt of services that
        those asked for do not lead to; what was made without that will do, too.
        """
        async with self._making:
            if self._kept is None or self._kept[0] != key or (self._kept[1] and not only_below):
                self._let_go()
                self._kept = (key, only_below, await make())
            if self._letting_go is not None:
                self._letting_go.cancel()
            self._letting_go = asyncio.get_running_loop().call_later(self.keep_seconds, self._let_go)
            return self._kept[2]

    def _let_go(self) -> None:
        self._kept = None
