"""Compliance windows: the period over which an objective is judged."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class ComplianceWindow(StrEnum):
    """The windows an SLO can have."""

    ROLLING_7D = "ROLLING_7D"
    ROLLING_28D = "ROLLING_28D"
    ROLLING_30D = "ROLLING_30D"
    CALENDAR_MONTH = "CALENDAR_MONTH"
    CALENDAR_QUARTER = "CALENDAR_QUARTER"

    @property
    def length(self) -> timedelta:
        """Length; for calendar windows the mean length (a year has 365.25 days)."""
        return _LENGTHS[self]


_LENGTHS = {
    ComplianceWindow.ROLLING_7D: timedelta(days=7),
    ComplianceWindow.ROLLING_28D: timedelta(days=28),
    ComplianceWindow.ROLLING_30D: timedelta(days=30),
    ComplianceWindow.CALENDAR_MONTH: timedelta(days=365.25 / 12),
    ComplianceWindow.CALENDAR_QUARTER: timedelta(days=365.25 / 4),
}
