"""Read confirmed changes. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.drift.find_shared_causes import FindSharedCauses
from sloengine.application.drift.hourly_values import HourlyValues
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.drift_store import DriftFilter, DriftStore, SeriesKey
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.model import HourlySeries, hour_of
from sloengine.domain.drift.together import Onset, SharedCause
from sloengine.domain.drift.unjudged import why_unjudged
from sloengine.domain.drift.watch import REFERENCE_HOURS, Watch
from sloengine.domain.recommendation.model import ObjectiveKind

_AT_ONCE = 250
"""Services whose eight weeks of hours are read with one query."""


@dataclass(frozen=True, slots=True)
class ReadDrift:
    """Events newest first, what they have in common, and the hourly values behind them."""

    store: DriftStore
    history: SliHistory
    causes: FindSharedCauses
    clock: Clock

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

    async def unjudged(self, service_ids: Sequence[str]) -> Mapping[str, Mapping[ObjectiveKind, str]]:
        """What of each service is not judged, or not at all hours, and why: a change there may go unseen.

        A kind of latency of which there is no value is left out where another kind has values. Hours are read of
        those services only of which a kind has no baseline yet, with a query for every 250 of them.
        """
        watches = await self.store.watches(service_ids)
        hourly: dict[SeriesKey, HourlySeries] = {}
        needed = [key for key in service_ids if not all(_is_learnt(watches, key, kind) for kind in ObjectiveKind)]
        if needed:
            until = hour_of((await self.history.watermark()).aggregated_to or self.clock.now())
            for start in range(0, len(needed), _AT_ONCE):
                some = needed[start : start + _AT_ONCE]
                hourly.update(await HourlyValues(self.history)(some, until - REFERENCE_HOURS, until))
        return {service_id: _reasons(service_id, hourly, watches) for service_id in service_ids}


def _is_learnt(watches: Mapping[SeriesKey, tuple[Watch, int]], service_id: str, kind: ObjectiveKind) -> bool:
    known = watches.get((service_id, kind))
    return known is not None and known[0].baseline is not None


def _reasons(
    service_id: str, hourly: Mapping[SeriesKey, HourlySeries], watches: Mapping[SeriesKey, tuple[Watch, int]]
) -> Mapping[ObjectiveKind, str]:
    found: dict[ObjectiveKind, str] = {}
    is_heard = False
    for kind in ObjectiveKind:
        series, (watch, _) = hourly.get((service_id, kind)), watches.get((service_id, kind), (None, 0))
        if series is None and watch is None:
            continue
        is_heard = True
        why = why_unjudged(series or HourlySeries(0, np.empty(0)), watch)
        if why is not None:
            found[kind] = why
    return found if is_heard else {ObjectiveKind.AVAILABILITY: "not a single hour has a value"}


def hour_of_span(span: timedelta) -> int:
    """Whole hours in a span."""
    return span // timedelta(hours=1)
