"""Actors of telemetry."""

from __future__ import annotations

import dramatiq
from dramatiq.errors import Retry
from periodiq import cron

from sloengine.domain.errors import Conflict
from workers.context import use_cases
from workers.recommendation import calibrate, refresh

_BUSY_DELAY_MS = 60_000
"""Wait for the run that is at it; the hourly one takes over when it lasts longer than all retries."""


@dramatiq.actor(
    actor_name="telemetry.aggregate",
    queue_name="telemetry",
    max_retries=3,
    time_limit=1_800_000,
    periodic=cron("2 * * * *"),
)
async def aggregate() -> None:
    """Pull the hours that are missing and the past of new services, then learn. Safe to run twice."""
    from sloengine.application.telemetry.aggregate_telemetry import (  # noqa: PLC0415 - as in the context
        AggregateTelemetryCommand,
    )

    try:
        report = await (await use_cases()).aggregate_telemetry(AggregateTelemetryCommand())
    except Conflict as busy:
        # The run that is going on may have begun before the newest services were there.
        raise Retry(str(busy), delay=_BUSY_DELAY_MS) from busy
    if (report.hours or report.newcomers) and report.error is None:
        learn_priors.send()


@dramatiq.actor(actor_name="telemetry.learn_priors", queue_name="telemetry", max_retries=3)
async def learn_priors() -> None:
    """Learn what the organisation's services have in common. Safe to run twice."""
    found = await use_cases()
    await found.learn_priors(only_if_due=True)
    if not await found.read_calibration():
        # The daily run is up to a day away; a new installation should not wait for it.
        calibrate.send()
    refresh.send(new_only=True)


@dramatiq.actor(
    actor_name="telemetry.note_budgets",
    queue_name="telemetry",
    max_retries=3,
    time_limit=900_000,
    periodic=cron("12 * * * *"),
)
async def note_budgets() -> None:
    """Note what is left of error budgets beside the services. Safe to run twice."""
    await (await use_cases()).note_budgets()


@dramatiq.actor(
    actor_name="telemetry.prune",
    queue_name="telemetry",
    max_retries=3,
    time_limit=1_800_000,
    periodic=cron("23 3 * * *"),
)
async def prune() -> None:
    """Fold old hours into days and drop what is older than a year. Safe to run twice."""
    await (await use_cases()).prune_history()
