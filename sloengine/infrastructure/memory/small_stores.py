"""Priors, outbox, stream, queue, locks, cache and clock in dicts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sloengine.application.ports.outbox import OutboxEvent
from sloengine.domain.accuracy.record import CalibrationRecord, newest_by_kind
from sloengine.domain.errors import Unavailable
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.infrastructure.memory.database import MemoryDatabase


class SetClock:
    """Keeps the ``Clock`` port; stands still until moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class MemoryPriorStore:
    """Keeps the ``PriorStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def load(self, sli_type: str) -> tuple[Mapping[str, Any], datetime] | None:
        """The prior and when it was learnt."""
        return self._db.priors.get(sli_type)

    async def save(self, sli_type: str, prior: Mapping[str, Any], *, learnt_at: datetime) -> None:
        """Replace it."""
        self._db.priors[sli_type] = (dict(prior), learnt_at)


class MemoryCalibrationStore:
    """Keeps the ``CalibrationStore`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def load(self) -> Sequence[CalibrationRecord]:
        """All there are, by kind."""
        return newest_by_kind(self._db.calibrations.values())

    async def save(self, record: CalibrationRecord) -> None:
        """Replace the record of its kind."""
        self._db.calibrations[record.kind.value] = record.to_dict()


class MemoryOutbox:
    """Keeps the ``Outbox`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def to_tell(self, older_than: datetime, limit: int) -> Sequence[str]:
        """As decisions noted it."""
        due = sorted((at, audit_id) for audit_id, at in self._db.to_tell.items() if at <= older_than)
        return [audit_id for _, audit_id in due[:limit]]

    async def callers_told(self, audit_id: str, event: OutboxEvent | None) -> None:
        """Nothing awaits in between; the event once by id."""
        self._db.to_tell.pop(audit_id, None)
        if event is not None and event.event_id not in self._db.appended:
            self._db.appended.add(event.event_id)
            self._db.outbox[event.event_id] = event

    async def pending(self, limit: int) -> Sequence[OutboxEvent]:
        """Not yet relayed, numbered."""
        pending = list(self._db.outbox.values())[:limit]
        for event in pending:
            if event.number is None:
                numbered = replace(event, number=len(self._db.told) + 1)
                self._db.told.append(numbered)
                self._db.outbox[event.event_id] = numbered
        return list(self._db.outbox.values())[:limit]

    async def relayed(self, event_ids: Sequence[str]) -> None:
        """Mark as done."""
        for event_id in event_ids:
            self._db.outbox.pop(event_id, None)


class MemoryEventLog:
    """Keeps the ``EventLog`` port; ``forget`` drops the oldest, as a week does."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database
        self._forgotten = 0

    async def newest(self) -> int:
        """The last number."""
        return len(self._db.told)

    async def after(self, number: int, limit: int) -> Sequence[OutboxEvent]:
        """Behind this number."""
        first = max(number, self._forgotten)
        return self._db.told[first : first + limit]

    def forget(self, number: int) -> None:
        """Drop all up to this one."""
        self._forgotten = number


class MemoryEventStream:
    """Keeps the ``EventStream`` port; ``is_away`` makes it behave as a server that does not answer."""

    def __init__(self) -> None:
        self.events: dict[str, OutboxEvent] = {}
        self.is_away = False
        self._came = asyncio.Event()

    async def publish(self, events: Sequence[OutboxEvent]) -> None:
        """Append, each once."""
        self._check()
        for event in events:
            self.events.setdefault(event.event_id, event)
        self._came.set()
        self._came = asyncio.Event()

    async def end(self) -> str:
        """How many there are."""
        self._check()
        return str(len(self.events))

    async def after(self, place: str, wait_seconds: float) -> tuple[str, Sequence[OutboxEvent]]:
        """Behind so many."""
        self._check()
        if len(self.events) <= int(place):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), wait_seconds)
        self._check()
        return str(len(self.events)), list(self.events.values())[int(place) :]

    def _check(self) -> None:
        if self.is_away:
            raise Unavailable("the stream of events does not answer")


class MemoryJobQueue:
    """Keeps the ``JobQueue`` port; ``is_away`` makes it behave as a broker that does not answer."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Mapping[str, str | list[str] | None]]] = []
        self.is_away = False

    async def enqueue(self, actor_name: str, /, **ids: str | list[str] | None) -> None:
        """Remember the message."""
        if self.is_away:
            raise Unavailable(f"the queue does not take {actor_name!r}; it is tried again later")
        self.messages.append((actor_name, ids))


class MemoryLocks:
    """Keeps the ``Locks`` port within one process."""

    def __init__(self) -> None:
        self.held: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str, *, ttl_seconds: float) -> AsyncGenerator[bool]:
        """Enter with True when the lock was got."""
        if name in self.held or ttl_seconds <= 0:
            yield False
            return
        self.held.add(name)
        try:
            yield True
        finally:
            self.held.discard(name)


class MemoryRecommendationCache:
    """Keeps the ``RecommendationCache`` port."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, SliType], RecommendationResult] = {}

    async def get(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """Hits only."""
        return {key: self.entries[key, sli_type] for key in service_ids if (key, sli_type) in self.entries}

    async def put(self, results: Sequence[RecommendationResult]) -> None:
        """Store these."""
        for result in results:
            self.entries[result.service_id, result.sli_type] = result

    async def invalidate(self, service_ids: Sequence[str] | None) -> None:
        """Drop these, or all."""
        if service_ids is None:
            self.entries.clear()
            return
        for service_id in service_ids:
            for sli_type in SliType:
                self.entries.pop((service_id, sli_type), None)
