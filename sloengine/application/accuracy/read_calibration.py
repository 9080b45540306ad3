"""Read how well promises have held in this organisation. Every role may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.ports.calibration_store import CalibrationStore
from sloengine.domain.accuracy.record import CalibrationRecord


@dataclass(frozen=True, slots=True)
class ReadCalibration:
    """The records that the daily look back has left."""

    store: CalibrationStore

    async def __call__(self) -> Sequence[CalibrationRecord]:
        """One per kind of objective that was looked at; none before the first look."""
        return await self.store.load()
