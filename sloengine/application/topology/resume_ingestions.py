"""Sweep for ingestions whose message was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResumeIngestions:
    """Enqueue again what is queued or running and has not moved for a while."""

    async def __call__(self) -> Sequence[str]:
        """Ids enqueued again."""
        raise NotImplementedError
