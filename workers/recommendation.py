"""Actors of recommendations."""

from __future__ import annotations

import dramatiq
from periodiq import cron

from sloengine.domain.errors import NotFound
from workers.context import use_cases


@dramatiq.actor(
    actor_name="recommendation.continue_job",
    queue_name="recommendation",
    max_retries=10,
    time_limit=900_000,
    throws=(NotFound,),
)
async def continue_job(job_id: str, lane: str) -> None:
    """One batch of one lane; enqueues the next. Safe to run twice."""
    await (await use_cases()).continue_recommendation_job(job_id, lane)


@dramatiq.actor(
    actor_name="recommendation.resume_jobs",
    queue_name="recommendation",
    max_retries=0,
    max_age=50_000,
    periodic=cron("* * * * *"),
)
async def resume_jobs() -> None:
    """Enqueue jobs again whose messages were lost."""
    await (await use_cases()).resume_recommendation_jobs()


@dramatiq.actor(
    actor_name="recommendation.refresh",
    queue_name="recommendation",
    max_retries=3,
    periodic=cron("22 5 * * *"),
)
async def refresh(*, new_only: bool = False) -> None:
    """Recommend for every service, or for those whose past has just been read in. Safe to run twice."""
    await (await use_cases()).refresh_recommendations(new_only=new_only)


@dramatiq.actor(
    actor_name="recommendation.calibrate",
    queue_name="recommendation",
    max_retries=3,
    time_limit=900_000,
    periodic=cron("41 4 * * *"),
)
async def calibrate() -> None:
    """Look back from weeks that have finished, some at a time; enqueues the next. Safe to run twice."""
    if await (await use_cases()).learn_calibration():
        calibrate.send()


@dramatiq.actor(
    actor_name="recommendation.expire",
    queue_name="recommendation",
    max_retries=3,
    periodic=cron("7 * * * *"),
)
async def expire() -> None:
    """End recommendations that are two weeks old. Safe to run twice."""
    await (await use_cases()).expire_recommendations()


@dramatiq.actor(
    actor_name="recommendation.forget_jobs",
    queue_name="recommendation",
    max_retries=3,
    periodic=cron("37 3 * * *"),
)
async def forget_jobs() -> None:
    """Drop jobs that were done a month ago. Safe to run twice."""
    await (await use_cases()).forget_recommendation_jobs()
