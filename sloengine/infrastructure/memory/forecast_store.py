"""What forecasts have learnt and called at risk, in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.forecast_store import NotedForecast
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.forecast.learnt import Learnt
from sloengine.infrastructure.forecast_documents import SLO_AT_RISK, at_risk_payload
from sloengine.infrastructure.memory.database import MemoryDatabase


class MemoryForecastStore:
    """Keeps the ``ForecastStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def learnt(self) -> tuple[Learnt, datetime] | None:
        """What has been learnt, and when."""
        return self._db.forecasts_learnt

    async def save_learnt(self, learnt: Learnt, *, learnt_at: datetime) -> None:
        """Replace it."""
        self._db.forecasts_learnt = (learnt, learnt_at)

    async def note(self, forecasts: Sequence[NotedForecast], *, now: datetime) -> Sequence[str]:
        """Keep risk, and tell of those that are newly at risk."""
        active = set(self._db.active.values())
        told: list[str] = []
        for one in forecasts:
            if one.slo_id not in active:
                continue
            if one.risk is False:
                self._db.at_risk.pop(one.slo_id, None)
            elif one.risk and one.slo_id not in self._db.at_risk:
                self._db.at_risk[one.slo_id] = now
                event_id = str(uuid4())
                self._db.outbox[event_id] = OutboxEvent(
                    event_id, SLO_AT_RISK, one.service_id, now, at_risk_payload(one)
                )
                told.append(one.slo_id)
        return told

    async def at_risk(self, slo_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Since when these are at risk."""
        active = set(self._db.active.values())
        return {key: self._db.at_risk[key] for key in slo_ids if key in self._db.at_risk and key in active}
