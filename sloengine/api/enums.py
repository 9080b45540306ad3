"""Enumerations that several topics share as GraphQL enums; a topic's own are in its room."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import strawberry

from sloengine.domain.errors import ErrorCode
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus


def describe(enum: type[Enum], name: str, description: str, values: Mapping[str, str]) -> None:
    """Make it a GraphQL enum of this name, each of its values described."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


describe(
    SliType,
    "SliType",
    "What is measured and promised.",
    {
        "AVAILABILITY": "Share of requests that succeed.",
        "LATENCY": "Time until the answer, as percentiles over requests.",
    },
)
describe(
    ComplianceWindow,
    "ComplianceWindow",
    "The period over which an objective is judged. UTC.",
    {
        "ROLLING_7D": "The last 7 days.",
        "ROLLING_28D": "The last 28 days: always four of each weekday.",
        "ROLLING_30D": "The last 30 days.",
        "CALENDAR_MONTH": "From the first of the month.",
        "CALENDAR_QUARTER": "From the first of January, April, July or October.",
    },
)
describe(
    ObjectiveKind,
    "ObjectiveKind",
    "The number that is promised.",
    {
        "AVAILABILITY": "Share of requests that succeed, in percent.",
        "LATENCY_P95": "95 % of requests are answered within this many milliseconds.",
        "LATENCY_P99": "99 % of requests are answered within this many milliseconds.",
    },
)
describe(
    JobStatus,
    "JobStatus",
    "Where long work stands.",
    {
        "QUEUED": "Accepted and stored; waiting for a worker.",
        "RUNNING": "A worker is on it.",
        "SUCCEEDED": "Done.",
        "FAILED": "Given up; `error` says why.",
    },
)
describe(
    ErrorCode,
    "UserErrorCode",
    "What a client can branch on.",
    {
        "NOT_FOUND": "The thing named does not exist.",
        "FORBIDDEN": "You may not do this.",
        "INVALID": "A value is outside what is allowed.",
        "CONFLICT": "Somebody else decided at the same time; look again.",
        "NOT_ACTIVE": "The recommendation was already decided, superseded or has expired.",
        "RATIONALE_REQUIRED": "This decision needs a reason in words.",
        "IDEMPOTENCY_MISMATCH": "The idempotency key was used before with another body.",
        "TOO_LARGE": "Over a stated limit.",
        "UNAVAILABLE": "A store or a telemetry source does not answer; try again later.",
    },
)

UserErrorCode = ErrorCode

__all__ = [
    "ComplianceWindow",
    "JobStatus",
    "ObjectiveKind",
    "SliType",
    "UserErrorCode",
    "describe",
]
