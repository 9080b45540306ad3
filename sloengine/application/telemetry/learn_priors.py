"""Learn what the organisation's services have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.recommendation.model import SliType


@dataclass(frozen=True, slots=True)
class LearnPriors:
    """Run after aggregation; safe to run twice."""

    async def __call__(self) -> Sequence[SliType]:
        """The SLI types a prior was learnt for."""
        raise NotImplementedError
