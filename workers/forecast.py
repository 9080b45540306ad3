"""Actors of forecasts."""

from __future__ import annotations

import dramatiq
from periodiq import cron

from workers.context import use_cases
from workers.governance import relay_outbox


@dramatiq.actor(
    actor_name="forecast.watch_budgets",
    queue_name="forecast",
    max_retries=3,
    time_limit=1_800_000,
    periodic=cron("14 * * * *"),
)
async def watch_budgets() -> None:
    """Forecast every active SLO and tell of those that have become at risk. Safe to run twice."""
    if (await (await use_cases()).watch_budgets()).at_risk:
        relay_outbox.send()


@dramatiq.actor(
    actor_name="forecast.learn_levels",
    queue_name="forecast",
    max_retries=3,
    time_limit=1_800_000,
    periodic=cron("7 5 * * *"),
)
async def learn_levels() -> None:
    """Learn from finished weeks how far forecasts can be believed. Safe to run twice."""
    await (await use_cases()).learn_forecast_levels()
