"""What forecasts have learnt, and which SLOs they have called at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.forecast.learnt import Learnt


@dataclass(frozen=True, slots=True)
class NotedForecast:
    """A forecast of an active SLO. ``risk`` True: at risk from now on; False: no longer; None: as it was."""

    slo_id: str
    service_id: str
    forecast: Forecast
    risk: bool | None


class ForecastStore(Protocol):
    """What finished forecasts have taught, and per SLO whether it is at risk."""

    async def learnt(self) -> tuple[Learnt, datetime] | None:
        """What has been learnt, and when; None: never yet, or by an engine of another version."""
        ...

    async def save_learnt(self, learnt: Learnt, *, learnt_at: datetime) -> None:
        """Replace it."""
        ...

    async def note(self, forecasts: Sequence[NotedForecast], *, now: datetime) -> Sequence[str]:
        """Keep each SLO's probability; the ids of SLOs that have become at risk by it.

        Those get ``SloAtRisk`` in the outbox, in the same transaction and once, however often and from however
        many processes it is noted, until it was noted that they are no longer at risk. SLOs that are not active
        are left out.
        """
        ...

    async def at_risk(self, slo_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Since when these active SLOs are at risk; others are absent."""
        ...
