"""Actors of decisions."""

from __future__ import annotations

import dramatiq
from periodiq import cron

from workers.context import use_cases

_ROUNDS_A_MINUTE = 6
_ROUND_MS = 10_000


@dramatiq.actor(actor_name="governance.relay_outbox", queue_name="governance", max_retries=3, max_age=60_000)
async def relay_outbox() -> None:
    """Hand pending events over. Safe to run twice."""
    await (await use_cases()).relay_outbox()


@dramatiq.actor(
    actor_name="governance.keep_relaying",
    queue_name="governance",
    max_retries=0,
    max_age=55_000,
    periodic=cron("* * * * *"),
)
async def keep_relaying(round_of_minute: int = 1) -> None:
    """Relay every 10 s: cron knows minutes only, so each round sends for the next."""
    if round_of_minute < _ROUNDS_A_MINUTE:
        keep_relaying.send_with_options(args=(round_of_minute + 1,), delay=_ROUND_MS)
    await (await use_cases()).relay_outbox()


@dramatiq.actor(
    actor_name="governance.tell_callers",
    queue_name="governance",
    max_retries=5,
    time_limit=120_000,
    max_age=600_000,
)
async def tell_callers(audit_id: str) -> None:
    """Tell teams whose objectives a decision has broken. Safe to run twice."""
    if await (await use_cases()).tell_callers(audit_id):
        relay_outbox.send()


@dramatiq.actor(
    actor_name="governance.resume_telling",
    queue_name="governance",
    max_retries=0,
    max_age=50_000,
    periodic=cron("* * * * *"),
)
async def resume_telling() -> None:
    """Enqueue decisions again whose callers nobody has looked at. Safe to run twice."""
    await (await use_cases()).resume_telling()
