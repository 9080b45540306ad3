"""What becomes of a confirmed change: an event, or one more alarm of an event that is still open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from sloengine.domain.drift.model import Change, Detector, start_of
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio

QUIET = timedelta(days=14)
"""So long after its last alarm an event is over, and the next alarm is another one."""
FURTHER = 2.0
"""A level this many times as far off as the event's own is a change of its own."""
_HOUR = timedelta(hours=1)
_LEAST_LEVEL = 1e-9
WHAT = {
    ObjectiveKind.AVAILABILITY: "availability",
    ObjectiveKind.LATENCY_P95: "p95 latency",
    ObjectiveKind.LATENCY_P99: "p99 latency",
}
"""What is watched, in words."""
ENGINE = "engine"
"""Who acts, in the audit trail, when nobody does."""


@dataclass(frozen=True, slots=True)
class TargetMove:
    """A recommended target before and after re-evaluation, ratio or milliseconds; None: there was none."""

    tier: TierName
    kind: ObjectiveKind
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class DriftEvent:
    """A service's behaviour has changed.

    ``before``, ``after``: availability ratio or milliseconds, up to and since ``started_at``, as seen when it was
    detected. ``alarms``: how often it was confirmed, the last time at ``last_alarm_at``. ``reevaluated_at`` None:
    the recommendation is still to be looked at; ``recommendation_id``: the one that came of it.
    """

    event_id: str
    service_id: str
    sli_type: SliType
    kind: ObjectiveKind
    detected_at: datetime
    started_at: datetime
    votes: tuple[Detector, ...]
    before: float | None
    after: float | None
    last_alarm_at: datetime
    alarms: int = 1
    reevaluated_at: datetime | None = None
    recommendation_id: str | None = None
    targets: tuple[TargetMove, ...] = ()

    @property
    def is_worse(self) -> bool | None:
        """Whether the service does worse than before; None where a level is not known."""
        if self.before is None or self.after is None:
            return None
        fell = self.after < self.before
        return fell if self.kind is ObjectiveKind.AVAILABILITY else not fell and self.after != self.before


def sli_type_of(kind: ObjectiveKind) -> SliType:
    """What a series of this kind belongs to."""
    return SliType.AVAILABILITY if kind is ObjectiveKind.AVAILABILITY else SliType.LATENCY


def alarmed(open_event: DriftEvent | None, service_id: str, kind: ObjectiveKind, change: Change) -> DriftEvent:
    """The event that this change makes, or the open one with one more alarm.

    ``open_event``: the newest of this service and SLI type. Repeated alarms of a shift are one event; after 14
    quiet days, or when the level has moved twice as far, it is a new one. The same change gives the same id.
    """
    fresh = _event(service_id, kind, change)
    if (
        open_event is None
        or fresh.detected_at - open_event.last_alarm_at > QUIET
        or _is_further(open_event, fresh)
    ):
        return fresh
    votes = tuple(one for one in Detector if one in open_event.votes or one in fresh.votes)
    last = max(open_event.last_alarm_at, fresh.detected_at)
    return replace(open_event, votes=votes, last_alarm_at=last, alarms=open_event.alarms + 1)


def moves_of(before: Recommendation | None, after: Recommendation | None) -> tuple[TargetMove, ...]:
    """Every target that either has, tiers in their order."""
    old, new = _targets(before), _targets(after)
    return tuple(
        TargetMove(tier, kind, old.get((tier, kind)), new.get((tier, kind)))
        for tier in TierName
        for kind in ObjectiveKind
        if (tier, kind) in old or (tier, kind) in new
    )


def change_of(event: DriftEvent) -> BehaviourChange:
    """What a recommendation has to know of the event."""
    what = f"{WHAT[event.kind]} {shown(event.kind, event.before)} before, {shown(event.kind, event.after)} since"
    ratio = event.after / event.before if event.before and event.after else 1.0
    return BehaviourChange(
        started_at=event.started_at,
        is_worse=event.is_worse is not False,
        what=what,
        latency_ratio=ratio if event.sli_type is SliType.LATENCY else None,
        detected_at=event.detected_at,
        failures=_failures(event),
    )


def in_words(event: DriftEvent) -> str:
    """One sentence for the audit trail.

    >>> at = start_of(490896)
    >>> in_words(DriftEvent("1", "a", SliType.AVAILABILITY, ObjectiveKind.AVAILABILITY, at, at, (Detector.ADWIN,),
    ...                     0.999, 0.99, at, 1, None, None,
    ...                     (TargetMove(TierName.BALANCED, ObjectiveKind.AVAILABILITY, 0.998, 0.98),)))
    'availability changed on 2026-01-01 00:00 UTC from 99.9 % to 99 % (ADWIN); balanced target 99.8 % -> 98 %'
    """
    votes = ", ".join(event.votes)
    said = (
        f"{WHAT[event.kind]} changed on {event.started_at:%Y-%m-%d %H:%M} UTC "
        f"from {shown(event.kind, event.before)} to {shown(event.kind, event.after)} ({votes})"
    )
    moved = [move for move in event.targets if move.tier is TierName.BALANCED and move.kind is event.kind]
    if not moved:
        return f"{said}; no balanced target to compare"
    return f"{said}; balanced target {shown(event.kind, moved[0].before)} -> {shown(event.kind, moved[0].after)}"


def shown(kind: ObjectiveKind, level: float | None) -> str:
    """A level in the unit people use."""
    if level is None:
        return "nothing"
    return (
        f"{percent_from_ratio(level):.6g} %" if kind is ObjectiveKind.AVAILABILITY else f"{figure_text(level)} ms"
    )


def _failures(event: DriftEvent) -> tuple[float, float] | None:
    if event.kind is not ObjectiveKind.AVAILABILITY or event.before is None or event.after is None:
        return None
    return 1.0 - event.before, 1.0 - event.after


def _event(service_id: str, kind: ObjectiveKind, change: Change) -> DriftEvent:
    # Availability is watched by its failures, latency by the logarithm of milliseconds.
    detected_at = start_of(change.detected_hour) + _HOUR
    return DriftEvent(
        event_id=str(uuid5(NAMESPACE_OID, f"drift {service_id} {kind} {change.detected_hour}")),
        service_id=service_id,
        sli_type=sli_type_of(kind),
        kind=kind,
        detected_at=detected_at,
        started_at=start_of(change.started_hour),
        votes=change.votes,
        before=_natural(kind, change.before),
        after=_natural(kind, change.after),
        last_alarm_at=detected_at,
    )


def _natural(kind: ObjectiveKind, level: float | None) -> float | None:
    if level is None:
        return None
    return 1.0 - level if kind is ObjectiveKind.AVAILABILITY else math.exp(level)


def _is_further(known: DriftEvent, fresh: DriftEvent) -> bool:
    if known.kind is not fresh.kind:
        return False
    was, now = _distance(known, known.after), _distance(known, fresh.after)
    return was is not None and now is not None and now >= FURTHER * was


def _distance(event: DriftEvent, level: float | None) -> float | None:
    """How far a level is from where the event began, as a ratio of failures or of milliseconds, logarithmic."""
    if event.before is None or level is None:
        return None
    first, second = event.before, level
    if event.kind is ObjectiveKind.AVAILABILITY:
        first, second = 1 - first, 1 - second
    return abs(math.log(max(second, _LEAST_LEVEL) / max(first, _LEAST_LEVEL)))


def _targets(recommendation: Recommendation | None) -> Mapping[tuple[TierName, ObjectiveKind], float]:
    if recommendation is None:
        return {}
    return {
        (tier.name, target.kind): number
        for tier in recommendation.tiers
        for target in tier.targets
        if (number := target.availability_ratio if target.threshold_ms is None else target.threshold_ms)
        is not None
    }
