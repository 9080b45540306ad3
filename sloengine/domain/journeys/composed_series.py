"""A route's failures interval by interval: each component once, at the level that sums gave it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.route_system import SolvedRoute
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.topology.failure_profile import FailureProfile
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard

_TOLERANCE = 1e-12


def route_series(model: GraphReliability, panel: SliPanel, solved: SolvedRoute) -> FloatArray:
    """Unavailability of the route in each interval: each component once, at the level that sums gave it."""
    intervals = panel.total.shape[1]
    below = np.zeros(intervals)
    listed = 0.0
    for component, phi, own in solved.parts():
        shape = _shape(model.profile, solved.components_of(component)[0], intervals)
        level = own * shape / _mean_shape(model, panel, solved.components_of(component)[0], shape)
        below -= np.log1p(-np.minimum(phi * np.minimum(level, 1.0), 1.0 - _TOLERANCE))
        listed += hazard(phi * own)
    # What a redundancy group adds by several failures at once; when those come is not known.
    several = max(0.0, hazard(solved.answer.probability) - listed)
    return np.asarray(-np.expm1(-(below + several)))


def _shape(profile: FailureProfile, component: int, intervals: int) -> FloatArray:
    """Failure of a component in each interval, relative to its mean."""
    if profile.intervals != intervals:
        return np.ones(intervals)
    shape = np.full(intervals, float(profile.quiet[component]))
    first, last = int(profile.first[component]), int(profile.first[component + 1])
    shape[profile.at[first:last]] = profile.peak[first:last]
    return shape


def _mean_shape(model: GraphReliability, panel: SliPanel, component: int, shape: FloatArray) -> float:
    """The shape's mean over the component's own requests, which its level was counted over."""
    rows = [panel.rows.get(model.names[service]) for service in model.members[component]]
    weights = np.zeros(len(shape))
    for row in rows:
        if row is not None:
            weights = np.maximum(weights, np.nan_to_num(panel.total[row]))
    mean = float((weights * shape).sum() / weights.sum()) if weights.sum() > 0.0 else float(shape.mean())
    return mean if mean > 0.0 else 1.0


def journey_traffic(panel: SliPanel, journey: Journey) -> tuple[FloatArray, tuple[str, ...], str | None]:
    """Requests of the journey per interval, NaN where none are known; whose they are, and that others stand in."""

    def total_of(services: tuple[str, ...]) -> FloatArray:
        rows = [panel.rows[service] for service in services if service in panel.rows]
        if not rows:
            return np.full(panel.total.shape[1], np.nan)
        part = panel.total[rows]
        return np.where(np.isnan(part).all(axis=0), np.nan, np.nansum(part, axis=0))

    own = total_of(journey.entry_points)
    if np.nansum(own) > 0.0:
        return own, journey.entry_points, None
    behind = {service: total_of((service,)) for service in journey.named}
    busiest = max(behind, key=lambda service: (float(np.nansum(behind[service])), service))
    if not np.nansum(behind[busiest]) > 0.0:
        return own, journey.entry_points, None
    said = f"No requests of the entry points are on record; those of {busiest} stand in for them."
    return behind[busiest], (busiest,), said


def coverage_of_any(panel: SliPanel, services: Sequence[str]) -> FloatArray | None:
    """Share of each interval that was seen of at least one of these; None: all of every interval with data."""
    rows = [panel.rows[service] for service in services if service in panel.rows]
    if panel.coverage is None or not rows:
        return None
    # They may have been seen at different times, but which is not known.
    return np.asarray(panel.seen[rows].max(axis=0))


def mean_over(unavailability: FloatArray, traffic: FloatArray) -> float:
    """Over the requests; over the intervals where no requests are known."""
    weights = np.where(np.isnan(unavailability), 0.0, np.nan_to_num(traffic))
    if weights.sum() > 0.0:
        return float((np.nan_to_num(unavailability) * weights).sum() / weights.sum())
    return float(np.nanmean(unavailability)) if np.isfinite(unavailability).any() else 0.0
