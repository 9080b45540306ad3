"""Detectors that watch a stream of scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sloengine.domain.drift.model import Detector


class ChangeDetectors(Protocol):
    """Streaming detectors for scores that are standard normal while nothing changes."""

    def __call__(self, detector: Detector, scores: Sequence[float]) -> Sequence[int]:
        """Positions at which the detector, started fresh, finds a change; it starts afresh behind each.

        The same scores give the same answer. Raises ``ValueError`` for a detector that is not a streaming one.
        """
        ...
