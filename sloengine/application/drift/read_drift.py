"""Read confirmed changes. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.drift.find_shared_causes import FindSharedCauses
from sloengine.application.drift.hourly_values import HourlyValues
from sloengine.application.ports.drift_store import DriftFilter, DriftStore, SeriesKey
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.model import HourlySeries, hour_of
from sloengine.domain.drift.together import Onset, SharedCause


@dataclass(frozen=True, slots=True)
class ReadDrift:
    """Events newest first, what they have in common, and the hourly values behind them."""

    store: DriftStore
    history: SliHistory
    causes: FindSharedCauses

    async def page(self, wanted: DriftFilter, page: PageRequest) -> Page[DriftEvent]:
        """Of all services, or what the filter lets through."""
        return await self.store.page(wanted, page)

    async def pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[DriftEvent]]:
        """The same page of each of these services."""
        return await self.store.pages(service_ids, page)

    async def by_id(self, event_ids: Sequence[str]) -> Mapping[str, DriftEvent]:
        """These events."""
        return await self.store.by_id(event_ids)

    async def shared_causes(self, onsets: Sequence[Onset]) -> Mapping[Onset, SharedCause]:
        """Of these events, as far as they share their cause with another service's."""
        return await self.causes(onsets)

    async def hourly(self, service_id: str, back: timedelta, now: datetime) -> Mapping[SeriesKey, HourlySeries]:
        """What is watched of one service, up to the newest aggregated hour."""
        until = hour_of((await self.history.watermark()).aggregated_to or now)
        return await HourlyValues(self.history)([service_id], until - hour_of_span(back), until)


def hour_of_span(span: timedelta) -> int:
    """Whole hours in a span."""
    return span // timedelta(hours=1)
