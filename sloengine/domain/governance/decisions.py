"""Accept, modify, reject, set: what each makes of a recommendation and the SLO that stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from sloengine.domain.errors import Conflict, Invalid, NotActive, RationaleRequired
from sloengine.domain.governance.model import SloTarget, TargetDelta
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    SliType,
    TierName,
    TierTarget,
)
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio

MAX_RATIONALE_CHARACTERS = 4_000
MAX_THRESHOLD_MS = 86_400_000.0

_KINDS = {
    SliType.AVAILABILITY: (ObjectiveKind.AVAILABILITY,),
    SliType.LATENCY: (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99),
}


def require_active(recommendation: Recommendation, now: datetime) -> None:
    """Raise ``NotActive`` unless it can still be decided on."""
    if recommendation.status is not RecommendationStatus.ACTIVE:
        superseded = recommendation.status is RecommendationStatus.SUPERSEDED
        next_step = "decide on the newest one of" if superseded else "generate a new one for"
        raise NotActive(
            f"the recommendation is {recommendation.status}; {next_step} {recommendation.service_id!r}",
            path=("input", "recommendationId"),
        )
    if recommendation.expires_at <= now:
        raise NotActive(
            f"the recommendation expired at {recommendation.expires_at.isoformat()}; generate a new one",
            path=("input", "recommendationId"),
        )


def require_undecided(seen: Recommendation, current: Recommendation | None, now: datetime) -> None:
    """Raise unless the recommendation can be decided on, and nobody did since the decider looked at it.

    ``seen``: as it stood when the request began. ``current``: as it stands inside the transaction; None: it has no
    record of its own. Raises: Conflict, when somebody else was faster; NotActive, when it could not be decided on
    from the start.
    """
    decided = (RecommendationStatus.ACCEPTED, RecommendationStatus.REJECTED)
    was_active = seen.status is RecommendationStatus.ACTIVE
    if current is not None and was_active and current.status in decided:
        raise Conflict(
            f"somebody else decided on {seen.service_id!r} at the same time; look again before you decide",
            path=("input", "recommendationId"),
        )
    require_active(current or seen, now)


def require_rationale(rationale: str | None) -> str:
    """The reason without blanks around it. Raises ``RationaleRequired`` when there is none."""
    reason = (rationale or "").strip()
    if not reason:
        raise RationaleRequired("say why: this decision needs a rationale", path=("input", "rationale"))
    return check_rationale(reason) or reason


def check_rationale(rationale: str | None) -> str | None:
    """The reason without blanks around it, None when there is none. Raises ``Invalid`` when it is too long."""
    reason = (rationale or "").strip()
    if len(reason) > MAX_RATIONALE_CHARACTERS:
        raise Invalid(
            f"a rationale has at most {MAX_RATIONALE_CHARACTERS} characters", path=("input", "rationale")
        )
    return reason or None


def check_targets(sli_type: SliType, targets: Sequence[SloTarget]) -> tuple[SloTarget, ...]:
    """The targets in the order of their kinds. Raises ``Invalid``, naming the field as clients see it."""
    if not targets:
        raise Invalid("name at least one target", path=("input", "targets"))
    kinds = _KINDS[sli_type]
    seen: dict[ObjectiveKind, float] = {}
    for position, target in enumerate(targets):
        path = ("input", "targets", str(position))
        if target.kind not in kinds:
            raise Invalid(
                f"{target.kind} is not a kind of {sli_type}; use {' or '.join(kinds)}", path=(*path, "kind")
            )
        if target.kind in seen:
            raise Invalid(f"{target.kind} is named twice", path=(*path, "kind"))
        seen[target.kind] = checked_target(target, path)
    if sli_type is SliType.LATENCY and len(seen) == len(kinds):
        p95, p99 = (seen[kind] for kind in kinds)
        if p95 > p99:
            raise Invalid(
                f"p95 ({figure_text(p95, 6)} ms) is above p99 ({figure_text(p99, 6)} ms): that cannot be kept",
                path=("input", "targets"),
            )
    return tuple(sorted(targets, key=lambda target: kinds.index(target.kind)))


def checked_target(target: SloTarget, path: tuple[str, ...]) -> float:
    """The target's number. Raises ``Invalid`` when it is out of range or of the wrong kind, naming the field."""
    if target.kind is ObjectiveKind.AVAILABILITY:
        ratio = target.availability_ratio
        if ratio is None or target.threshold_ms is not None:
            raise Invalid(
                "an availability target has availabilityPercent and nothing else",
                path=(*path, "availabilityPercent"),
            )
        if not math.isfinite(ratio) or not 0 < ratio < 1:
            raise Invalid(
                f"availabilityPercent must lie between 0 and 100, both excluded, not {ratio * 100:g}"
                " (100 % leaves no budget and cannot be promised)",
                path=(*path, "availabilityPercent"),
            )
        return ratio
    threshold = target.threshold_ms
    if threshold is None or target.availability_ratio is not None:
        raise Invalid("a latency target has thresholdMs and nothing else", path=(*path, "thresholdMs"))
    if not math.isfinite(threshold) or not 0 < threshold <= MAX_THRESHOLD_MS:
        raise Invalid(
            f"thresholdMs must lie above 0 and at most {MAX_THRESHOLD_MS:.0f}, not {threshold:g}",
            path=(*path, "thresholdMs"),
        )
    return threshold


def targets_of_tier(recommendation: Recommendation, name: TierName) -> tuple[TierTarget, ...]:
    """The tier's targets. Raises ``Invalid`` when the data did not carry this tier."""
    tier = next((tier for tier in recommendation.tiers if tier.name is name), None)
    if tier is None or not tier.targets:
        why = tier.missing_reason if tier is not None and tier.missing_reason else "the data do not carry it"
        raise Invalid(f"there is no {name} target: {why}", path=("input", "tier"))
    return tier.targets


def slo_targets(targets: Sequence[TierTarget]) -> tuple[SloTarget, ...]:
    """Recommended targets as an SLO's."""
    return tuple(SloTarget(t.kind, t.availability_ratio, t.threshold_ms) for t in targets)


def target_deltas(before: Sequence[SloTarget], after: Sequence[SloTarget]) -> tuple[TargetDelta, ...]:
    """Per kind the number before and after; kinds in the order in which they first appear."""
    old = {target.kind: _number(target) for target in before}
    new = {target.kind: _number(target) for target in after}
    return tuple(TargetDelta(kind, old.get(kind), new.get(kind)) for kind in {**old, **new})


def _number(target: SloTarget) -> float | None:
    return target.availability_ratio if target.kind is ObjectiveKind.AVAILABILITY else target.threshold_ms


def warnings_about(
    targets: Sequence[SloTarget],
    recommendation: Recommendation | None,
    probabilities: Sequence[float | None],
    nominal_probability: float | None,
    why_unknown: str | None = None,
) -> tuple[str, ...]:
    """What somebody should know who makes these numbers an SLO.

    ``probabilities``: P(met) of each target, None where it is not known. ``nominal_probability``: the tier's.
    ``why_unknown``: why none is known, if something came between.
    """
    found: list[str] = []
    bound = recommendation.bound if recommendation is not None else None
    for target, probability in zip(targets, probabilities, strict=True):
        said = _words(target)
        if bound is not None and target.availability_ratio is not None:
            if target.availability_ratio > bound.observed_ratio:
                found.append(
                    f"{said} is above what the dependencies allow,"
                    f" {percent_from_ratio(round(bound.observed_ratio, 6)):.9g} % as observed"
                )
            if bound.promised_ratio is not None and target.availability_ratio > bound.promised_ratio:
                found.append(
                    f"{said} is above {percent_from_ratio(round(bound.promised_ratio, 6)):.9g} %, which is left"
                    " when every hard dependency does no better than its SLO or published figure says"
                )
        if probability is None:
            why = "" if why_unknown is None else f": {why_unknown}"
            found.append(f"{said}: how probably it will be met is not known{why}")
        elif nominal_probability is not None and probability < nominal_probability:
            found.append(
                f"{said} will be met with {probability:.0%}, less than the tier's {nominal_probability:.0%}"
            )
    return tuple(found)


def _words(target: SloTarget) -> str:
    if target.availability_ratio is not None:
        return f"{percent_from_ratio(target.availability_ratio):.9g} %"
    percentile = "p95" if target.kind is ObjectiveKind.LATENCY_P95 else "p99"
    return f"{percentile} {figure_text(target.threshold_ms or 0.0, 6)} ms"
