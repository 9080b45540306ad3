"""Enumerations of recommendations as GraphQL enums."""

from __future__ import annotations

from sloengine.api.enums import describe
from sloengine.domain.recommendation.model import RecommendationStatus, TargetLimit, TierName, UnavailableReason

describe(
    TierName,
    "TierName",
    "How often the target may be missed.",
    {
        "CONSERVATIVE": "Missed in about one 28-day window in four years (holds with probability 0.98).",
        "BALANCED": "Missed in about one 28-day window a year (0.92).",
        "AGGRESSIVE": "Missed in about every fifth month (0.80).",
    },
)
describe(
    RecommendationStatus,
    "RecommendationStatus",
    "The life of a recommendation: ACTIVE, then one of the others.",
    {
        "ACTIVE": "Can be accepted, modified or rejected.",
        "ACCEPTED": "One of its tiers became the active SLO, as it was or modified.",
        "REJECTED": "Somebody turned it down.",
        "SUPERSEDED": "A newer recommendation took its place.",
        "EXPIRED": "Nobody decided within 14 days.",
    },
)
describe(
    TargetLimit,
    "TargetLimit",
    "What kept a target from being tighter.",
    {
        "HISTORY": "The service's own past failures.",
        "PRIOR": "Too few incidents of its own to go by: what similar services do speaks.",
        "LOW_TRAFFIC": "Too few requests to show a tighter target.",
        "DEPENDENCY_OBSERVED": "What the dependencies were seen to do.",
        "DEPENDENCY_PROMISE": "What the dependencies' own SLOs promise.",
        "ROUNDING": "Rounded to a figure that people use, to the safe side.",
        "ON_RECORD": "Today's data give a tighter one; an earlier target stays, so that targets do not flap.",
    },
)
describe(
    UnavailableReason,
    "UnavailableReason",
    "Why there is no recommendation.",
    {
        "NO_DATA": "No telemetry, or nobody has asked for a recommendation yet; the message says which.",
        "NOT_ENOUGH_DATA": "Too little telemetry to carry any target.",
        "BAD_TELEMETRY": "The telemetry cannot be true.",
        "NO_HISTOGRAM": "Latency is known only as percentiles, which cannot be added up.",
        "NOT_TESTABLE": "So little traffic that one failure costs more than 20 % of the budget.",
        "SOURCE_DOWN": "The telemetry source does not answer and nothing earlier is stored.",
    },
)

__all__ = [
    "RecommendationStatus",
    "TargetLimit",
    "TierName",
    "UnavailableReason",
]
