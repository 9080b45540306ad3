"""Actors of drift."""

from __future__ import annotations

import dramatiq
from periodiq import cron

from sloengine.domain.errors import Conflict
from workers.context import use_cases


@dramatiq.actor(
    actor_name="drift.detect",
    queue_name="drift",
    max_retries=3,
    time_limit=1_800_000,
    throws=(Conflict,),  # another pass does the same work
    periodic=cron("*/15 * * * *"),
)
async def detect() -> None:
    """Judge the hours that are new, then look again at what a change has touched. Safe to run twice."""
    await (await use_cases()).detect_drift()
    reevaluate.send()


@dramatiq.actor(actor_name="drift.reevaluate", queue_name="drift", max_retries=10, time_limit=900_000)
async def reevaluate() -> None:
    """Recommend again for services whose behaviour has changed, and put it on record. Safe to run twice."""
    await (await use_cases()).reevaluate_drifted()
