"""Draws of the failed events of each coming day, from what is known of a service's incidents.

The same knowledge as behind a recommended target (:mod:`sloengine.domain.recommendation.predictive`), spread over
days: what has been seen of incident rate, sizes and base failures, shrunk to the organisation's services.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.forecast.base_days import daily_factors
from sloengine.domain.forecast.coming_traffic import coming_traffic
from sloengine.domain.recommendation.incidents import LARGEST_DAY_SEVERITY, IncidentSplit, split_incidents
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.predictive import base_knowledge, rate_knowledge, size_knowledge
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.recommendation.window_draws import (
    base_level,
    episode_counts,
    episode_sizes,
    unseen_counts,
    unseen_sizes,
    weekly_dispersion,
)
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray

N_DRAWS = 1_000
_MOST_VARIANCE = 4.0
"""Of a week's base failures, as squared coefficient of variation: as behind a recommended target."""


@dataclass(frozen=True)
class FailurePaths:
    """``failures``, ``traffic``: failed and valid events of each step, shape (n_draws, n_steps).

    ``daily_traffic``: valid events of an average day. ``running``: the newest 24 hours are an incident.
    """

    failures: FloatArray
    traffic: FloatArray
    daily_traffic: float
    running: bool


def failure_paths(
    history: DailyHistory,
    prior: OrganizationPrior,
    step_days: FloatArray,
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
    split: IncidentSplit | None = None,
) -> FailurePaths | None:
    """Draw the coming days of the single service in ``history``; None where its traffic is not known.

    An episode falls on one step, with a chance in proportion to the step's length; one that is running goes on in
    the first. Traffic goes on as in the last 28 days (:mod:`~sloengine.domain.forecast.coming_traffic`).
    """
    coming = coming_traffic(history, step_days)
    if coming is None:
        return None
    split = split_incidents(history) if split is None else split
    known = ServicePrior.of(prior, history.service_ids[0])
    rate = rate_knowledge(history, split, known)
    running = bool(split.running[0])
    numbers = WindowNumbers.of(rng, n_draws)
    days = float(step_days.sum())
    calm = episode_counts(rate, known, numbers, days, running=False)
    counts = episode_counts(rate, known, numbers, days, running=running)
    ends = np.cumsum(step_days) / days
    outage = np.zeros((n_draws, len(step_days)))
    sizes = size_knowledge(split, rate)
    for position in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > position)
        step = np.minimum(np.searchsorted(ends, rng.random(len(rows))), len(step_days) - 1)
        # Positions are exchangeable: the one beyond the new episodes is the one that goes on.
        step[position >= calm[rows]] = 0
        outage[rows, step] += episode_sizes(sizes, known, numbers, position, rows)
    unseen = unseen_counts(known, numbers, days)
    for position in range(int(unseen.max(initial=0))):
        rows = np.flatnonzero(unseen > position)
        step = np.minimum(np.searchsorted(ends, rng.random(len(rows))), len(step_days) - 1)
        outage[rows, step] += unseen_sizes(numbers, position)[rows]
    traffic = coming.draws(rng, n_draws)
    base = base_knowledge(split)
    level = base_level(base, known, numbers)
    week = max(1.0, numbers.mean(level) * coming.daily * 7)
    variance = min((weekly_dispersion(base, known) - 1.0) / week, _MOST_VARIANCE)
    share = level[:, None] * daily_factors(rng, variance, n_draws, len(step_days))
    mean = traffic * np.minimum(share + outage / step_days, LARGEST_DAY_SEVERITY)
    return FailurePaths(rng.poisson(mean).astype(np.float64), traffic, coming.daily, running)
