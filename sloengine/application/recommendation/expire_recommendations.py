"""Recommendations end 14 days after they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpireRecommendations:
    """Run hourly; safe to run twice."""

    async def __call__(self) -> Sequence[str]:
        """The services whose recommendation expired."""
        raise NotImplementedError
