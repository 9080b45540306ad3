"""How the organisation stands as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.application.accuracy.read_calibration import ReadCalibration
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.organization_overview import OrganizationOverview, OrganizationOverviews
from sloengine.domain.accuracy.record import CalibrationRecord

TOP_RISKS = 10
"""Services in danger that are named; the list of services sorted by budget has all of them."""


@dataclass(frozen=True, slots=True)
class OrganizationState:
    """``calibrated_at`` None: promises were never looked back at."""

    overview: OrganizationOverview
    calibration: Sequence[CalibrationRecord]
    calibrated_at: datetime | None
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class ReadOrganization:
    """Every role may read it."""

    overviews: OrganizationOverviews
    calibration: ReadCalibration
    clock: Clock

    async def __call__(self) -> OrganizationState:
        """Counts as they stand, calibration as the daily look back left it."""
        records = await self.calibration()
        return OrganizationState(
            await self.overviews.overview(top=TOP_RISKS),
            records,
            max((record.computed_at for record in records), default=None),
            self.clock.now(),
        )
