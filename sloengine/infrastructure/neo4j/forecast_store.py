"""Forecasts in Neo4j: probability and risk are properties of the active SLO, what was learnt one node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from sloengine.application.ports.forecast_store import NotedForecast
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.forecast.learnt import Learnt
from sloengine.infrastructure.forecast_documents import SLO_AT_RISK, at_risk_payload
from sloengine.infrastructure.neo4j.connection import Neo4jConnection
from sloengine.infrastructure.neo4j.instants import instant
from sloengine.infrastructure.neo4j.outbox import event_properties


class Neo4jForecastStore:
    """Keeps the ``ForecastStore`` port."""

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def learnt(self) -> tuple[Learnt, datetime] | None:
        """What has been learnt, and when."""
        row = await self._connection.read_row("forecast_levels")
        if row is None:
            return None
        document, learnt_at_us = row
        try:
            return Learnt.from_dict(orjson.loads(document)), instant(learnt_at_us)
        except ValueError:
            return None  # another version of the engine wrote it; it is learnt anew

    async def save_learnt(self, learnt: Learnt, *, learnt_at: datetime) -> None:
        """Replace it."""
        document = orjson.dumps(learnt.to_dict()).decode()
        await self._connection.write("save_forecast_levels", document=document, learnt_at=learnt_at)

    async def note(self, forecasts: Sequence[NotedForecast], *, now: datetime) -> Sequence[str]:
        """Keep probability and risk, and tell of those that are newly at risk."""
        # In the order of ids, so that two at once wait for each other instead of locking each other out.
        ordered = sorted(forecasts, key=lambda one: one.slo_id)
        rows = [_row(one, place, now) for place, one in enumerate(ordered)]
        told = await self._connection.write("note_forecasts", rows=rows, now=now)
        return [slo_id for (slo_id,) in told]

    async def at_risk(self, slo_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Since when these are at risk."""
        rows = await self._connection.read("slos_at_risk", slo_ids=list(slo_ids))
        return {slo_id: instant(since_us) for slo_id, since_us in rows}


def _row(noted: NotedForecast, place: int, now: datetime) -> dict[str, Any]:
    event = OutboxEvent(str(uuid4()), SLO_AT_RISK, noted.service_id, now, at_risk_payload(noted))
    return {
        "slo_id": noted.slo_id,
        "probability": noted.forecast.probability_budget_exhausted,
        "risk": noted.risk,
        "event": event_properties(event, place),
    }
