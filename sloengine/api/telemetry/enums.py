"""Enumerations of measured SLIs as GraphQL enums."""

from __future__ import annotations

from sloengine.api.enums import describe
from sloengine.application.telemetry.read_sli import SliStep, SliWindow

describe(
    SliWindow,
    "SliWindow",
    "Look-back of an SLI, ending at the newest aggregated hour.",
    {
        "LAST_1H": "One hour.",
        "LAST_1D": "24 hours.",
        "LAST_7D": "7 days.",
        "LAST_28D": "28 days.",
        "LAST_90D": "90 days.",
    },
)
describe(
    SliStep,
    "SliStep",
    "Width of the intervals of a series, aligned to UTC.",
    {"HOUR": "One hour.", "DAY": "One day."},
)

__all__ = [
    "SliStep",
    "SliWindow",
]
