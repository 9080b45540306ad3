"""Drift in dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sloengine.application.ports.drift_store import DriftFilter, SeriesKey, WatchUpdate
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.together import Onset
from sloengine.domain.drift.watch import Watch
from sloengine.domain.governance.hash_chain import ChainHead
from sloengine.domain.recommendation.model import SliType
from sloengine.infrastructure.drift_records import confirmed_event, drift_entry
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.paging import SortKey, cut


class MemoryDriftStore:
    """Keeps the ``DriftStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def watches(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, tuple[Watch, int]]:
        """Stored watches and their revisions."""
        wanted = set(service_ids)
        return {
            (service_id, kind): stored
            for (service_id, kind), stored in self._db.watches.items()
            if service_id in wanted
        }

    async def reached(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, int]:
        """Up to which hour each has judged."""
        return {key: watch.reached for key, (watch, _) in (await self.watches(service_ids)).items()}

    async def save(self, updates: Sequence[WatchUpdate]) -> Sequence[SeriesKey]:
        """Store watches with their events."""
        saved: list[SeriesKey] = []
        for update in updates:
            key = (update.service_id, update.kind)
            known = self._db.watches.get(key)
            if (0 if known is None else known[1]) != update.revision:
                continue
            self._db.watches[key] = (update.watch, update.revision + 1)
            saved.append(key)
            for event in update.events:
                self._keep(event)
        return saved

    def _keep(self, event: DriftEvent) -> None:
        known = self._db.drift_events.get(event.event_id)
        finished = known or replace(event, reevaluated_at=None, recommendation_id=None, targets=())
        self._db.drift_events[event.event_id] = replace(
            event,
            reevaluated_at=finished.reevaluated_at,
            recommendation_id=finished.recommendation_id,
            targets=finished.targets,
        )

    async def unfinished(self, limit: int) -> Sequence[DriftEvent]:
        """Still to be looked at, oldest first."""
        waiting = [event for event in self._db.drift_events.values() if event.reevaluated_at is None]
        return sorted(waiting, key=lambda event: (event.detected_at, event.event_id))[:limit]

    async def finish(self, event: DriftEvent, *, actor: str, rationale: str, now: datetime) -> bool:
        """Record what re-evaluation gave."""
        known = self._db.drift_events.get(event.event_id)
        if known is None or known.reevaluated_at is not None:
            return False
        self._db.drift_events[event.event_id] = replace(
            known, reevaluated_at=now, recommendation_id=event.recommendation_id, targets=event.targets
        )
        last = self._db.trail[-1] if self._db.trail else None
        head = ChainHead() if last is None else ChainHead(last.sequence, last.hash)
        entry = drift_entry(event, actor=actor, rationale=rationale, now=now, head=head)
        self._db.trail.append(entry)
        told = confirmed_event(event, entry, now)
        self._db.outbox[told.event_id] = told
        return True

    async def newest(
        self, service_ids: Sequence[str] | None, sli_type: SliType, since: datetime
    ) -> Mapping[str, DriftEvent]:
        """The newest event of each service."""
        found: dict[str, DriftEvent] = {}
        for event in sorted(self._db.drift_events.values(), key=_newest_first, reverse=True):
            asked = service_ids is None or event.service_id in service_ids
            if asked and event.sli_type is sli_type and event.last_alarm_at >= since:
                found[event.service_id] = event
        return found

    async def page(self, wanted: DriftFilter, page: PageRequest) -> Page[DriftEvent]:
        """Newest first."""
        rows = [event for event in self._db.drift_events.values() if _matches(event, wanted)]
        return cut(rows, _newest_first, page)

    async def pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[DriftEvent]]:
        """The same page of each."""
        return {key: await self.page(DriftFilter(service_id=key), page) for key in service_ids}

    async def onsets(self, from_at: datetime, until: datetime) -> Sequence[Onset]:
        """When changes began."""
        some = [one for one in self._db.drift_events.values() if from_at <= one.detected_at < until]
        return [Onset.of(event) for event in sorted(some, key=lambda one: one.event_id)]

    async def by_id(self, event_ids: Sequence[str]) -> Mapping[str, DriftEvent]:
        """These events."""
        return {key: self._db.drift_events[key] for key in event_ids if key in self._db.drift_events}


def _newest_first(event: DriftEvent) -> SortKey:
    return -event.detected_at.timestamp(), event.event_id


def _matches(event: DriftEvent, wanted: DriftFilter) -> bool:
    return (
        (wanted.service_id is None or event.service_id == wanted.service_id)
        and (wanted.sli_type is None or event.sli_type is wanted.sli_type)
        and (wanted.from_at is None or event.detected_at >= wanted.from_at)
    )
