"""A percentile that is known only to lie between two figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PercentileRange:
    """Above ``above_seconds`` and at most ``at_most_seconds``: the resolution of whoever measured it."""

    above_seconds: float
    at_most_seconds: float

    def __post_init__(self) -> None:
        """Raises: ValueError, if it is no range of latencies."""
        if not 0 <= self.above_seconds < self.at_most_seconds:
            raise ValueError(f"{self.above_seconds} to {self.at_most_seconds} s is no range")

    def __str__(self) -> str:
        """In milliseconds, as it is said.

        >>> str(PercentileRange(0.067108864, 0.134217728))
        'between 67 and 134 ms'
        """
        low, high = (_milliseconds(seconds) for seconds in (self.above_seconds, self.at_most_seconds))
        return f"between {low} and {high} ms"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}" if seconds >= 0.01 else f"{seconds * 1000:.2g}"
