"""The life of a recommendation: ACTIVE, then ACCEPTED, REJECTED, SUPERSEDED or EXPIRED, and never back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sloengine.domain.errors import NotActive
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    TierName,
    TierTarget,
)

EXPIRES_AFTER = timedelta(days=14)
ANTI_FLAP = (0.05, 0.03)
_MORE_MISSES = 0.5
"""A target on record may be missed by this part more often than its tier says."""


def expires_at(generated_at: datetime, after_days: float = EXPIRES_AFTER / timedelta(days=1)) -> datetime:
    """When a recommendation made then is too old to be decided on."""
    return generated_at + timedelta(days=after_days)


def status_at(recommendation: Recommendation, now: datetime) -> RecommendationStatus:
    """Its status now: an active one past its expiry is expired, whether or not a sweep has noted it yet."""
    if recommendation.status is RecommendationStatus.ACTIVE and now >= recommendation.expires_at:
        return RecommendationStatus.EXPIRED
    return recommendation.status


def move(recommendation: Recommendation, to: RecommendationStatus, now: datetime) -> Recommendation:
    """The recommendation with its next status.

    Raises: NotActive, if it is not active now (expiring one that has just expired is fine).
    """
    current = status_at(recommendation, now)
    expiring = current is to is RecommendationStatus.EXPIRED
    if current is not RecommendationStatus.ACTIVE and not expiring:
        raise NotActive(f"the recommendation is {current.value}; ask for a fresh one")
    if to is RecommendationStatus.ACTIVE:
        raise NotActive("a recommendation does not become active again; ask for a fresh one")
    return replace(recommendation, status=to)


def should_replace(
    previous: TierTarget | None,
    fresh: TierTarget | None,
    p_of_previous_target: float | None,
    *,
    nominal_probability: float,
    kind_changed: bool,
    band: tuple[float, float] = ANTI_FLAP,
    highest_level: float = 1.0,
    much_tighter: bool = False,
) -> bool:
    """Whether a stored target gives way to a recomputed one.

    Only when the stored target's own P(met), computed anew, has left [p - 5, p + 3] points or an input changed in
    kind; so that targets do not flap. Nor does one stay that would be missed half as often again as its tier says:
    5 points are a Conservative target that is missed three times as often as promised. A target that appears or
    disappears always counts. Where p + 3 points is more than is ever said (``highest_level``), a stored target
    that reaches the highest level has left the band if the recomputed one is ``much_tighter``: else a Conservative
    target could become looser but never tighter again.
    """
    if kind_changed or previous is None or fresh is None or p_of_previous_target is None:
        return True
    if _number(previous) == _number(fresh):
        return False
    below, above = min(band[0], _MORE_MISSES * (1.0 - nominal_probability)), band[1]
    if p_of_previous_target >= highest_level and nominal_probability + above > highest_level:
        return much_tighter
    return not nominal_probability - below <= p_of_previous_target <= nominal_probability + above


def previous_target(previous: Recommendation | None, name: TierName, kind: ObjectiveKind) -> TierTarget | None:
    """The target of this tier and kind on record, if there is one."""
    if previous is None:
        return None
    for tier in previous.tiers:
        if tier.name is name:
            return next((target for target in tier.targets if target.kind is kind), None)
    return None


def _number(target: TierTarget) -> float | None:
    return target.threshold_ms if target.availability_ratio is None else target.availability_ratio
