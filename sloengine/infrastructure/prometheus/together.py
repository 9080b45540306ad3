"""Several queries at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus.client import QueryRefused


async def together[Answer](calls: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """All at once, within the client's own bound; the first failure cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except* (Unavailable, QueryRefused) as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
