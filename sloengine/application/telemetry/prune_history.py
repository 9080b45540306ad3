"""Retention: hourly detail stays 90 days, daily sums one year."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PruneHistory:
    """Run daily."""

    async def __call__(self) -> int:
        """Number of aggregates touched."""
        raise NotImplementedError
