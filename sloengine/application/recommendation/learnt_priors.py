"""The organisation's priors and calibration maps as this process has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sloengine.application.ports.calibration_store import CalibrationStore
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.recommendation.evidence import LearntPriors
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior


@dataclass(slots=True)
class CurrentPriors:
    """Read from the store, looked at again after a minute."""

    store: PriorStore
    calibrations: CalibrationStore
    trusted_for: timedelta = timedelta(minutes=1)
    _known: tuple[datetime, LearntPriors] | None = field(default=None, init=False)

    async def __call__(self, now: datetime) -> LearntPriors:
        """The newest learnt priors, else the shipped ones."""
        if self._known is None or not timedelta() <= now - self._known[0] < self.trusted_for:
            availability, latency, records = await asyncio.gather(
                self._load(SliType.AVAILABILITY, OrganizationPrior.from_dict, OrganizationPrior.shipped),
                self._load(SliType.LATENCY, LatencyPrior.from_dict, LatencyPrior.shipped),
                self.calibrations.load(),
            )
            maps = {record.kind: record.own for record in records if record.own is not None}
            self._known = (now, LearntPriors(availability, latency, maps))
        return self._known[1]

    async def _load[Prior](
        self, sli_type: SliType, read: Callable[[Mapping[str, Any]], Prior], shipped: Callable[[], Prior]
    ) -> Prior:
        stored = await self.store.load(sli_type)
        if stored is None:
            return shipped()
        try:
            return read(stored[0])
        except ValueError:
            # Another version of the engine wrote it; the next aggregation learns it anew.
            return shipped()
