"""What the organisation's own finished windows have taught about the engine's promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sloengine.domain.accuracy.record import CalibrationRecord


class CalibrationStore(Protocol):
    """One record per kind of objective, the newest."""

    async def load(self) -> Sequence[CalibrationRecord]:
        """All there are, by kind. What an engine that had one map for p95 and p99 wrote is read as a record of
        each; what another version wrote is left out."""
        ...

    async def save(self, record: CalibrationRecord) -> None:
        """Replace the record of its kind."""
        ...
