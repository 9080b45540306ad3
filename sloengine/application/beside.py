"""Work that runs beside other work of the same request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside[Result](work: Coroutine[Any, Any, Result]) -> AsyncGenerator[asyncio.Task[Result]]:
    """Begin the work at once; await the task inside for its result. None of it is left running at the end.

    Whoever leaves without having awaited it gives it up: it is cancelled, and its error is nobody's.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: asyncio complains of errors that nobody has asked for
