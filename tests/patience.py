"""Waiting for what will come, however busy the machine is: never for a time, always for a condition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LONG_SECONDS = 60.0
"""Only what will never come takes that long; a machine that is busy does not."""


async def until(holds: Callable[[], object], seconds: float = LONG_SECONDS) -> None:
    """Let the other tasks of the loop go on until the condition holds. Raises ``TimeoutError``."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        await asyncio.sleep(0.005)


async def turns(count: int = 50) -> None:
    """Let every task of the loop take so many steps, so that what must not happen had its chance to."""
    for _ in range(count):
        await asyncio.sleep(0)
