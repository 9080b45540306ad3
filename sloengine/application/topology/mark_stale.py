"""Notice dependencies that no source has seen for their time to live."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarkStale:
    """Merge the claims again as of now; run hourly, safe to run twice."""

    async def __call__(self) -> int:
        """How many dependencies changed between stale and live."""
        raise NotImplementedError
