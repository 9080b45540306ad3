"""What is remembered of watched series, and the changes that were confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.together import Onset
from sloengine.domain.drift.watch import Watch
from sloengine.domain.recommendation.model import ObjectiveKind, SliType

type SeriesKey = tuple[str, ObjectiveKind]
"""Service id and what is watched of it."""


@dataclass(frozen=True, slots=True)
class WatchUpdate:
    """A watch that has moved on. ``events``: what it found.

    ``revision``: the one it was read at, 0 for a new one. ``relearnt``: its baseline is another one than then.
    """

    service_id: str
    kind: ObjectiveKind
    watch: Watch
    revision: int
    relearnt: bool = True
    events: tuple[DriftEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftFilter:
    """None: not asked. ``from_at``: detected at or after."""

    service_id: str | None = None
    sli_type: SliType | None = None
    from_at: datetime | None = None


class DriftStore(Protocol):
    """Watches and drift events. What a pass finds is stored with the state it found it in, or not at all."""

    async def watches(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, tuple[Watch, int]]:
        """Stored watches and their revisions; those of another version of the format are absent."""
        ...

    async def save(self, updates: Sequence[WatchUpdate]) -> Sequence[SeriesKey]:
        """Store watches with their events in one transaction; the keys that were stored.

        An update whose revision is no longer the stored one is left out whole: another pass was faster. A new
        event is unfinished; one that is known gets its alarms and votes, and stays finished.
        """
        ...

    async def reached(self, service_ids: Sequence[str]) -> Mapping[SeriesKey, int]:
        """Up to which hour (since 1970) each stored watch has judged; cheap."""
        ...

    async def unfinished(self, limit: int) -> Sequence[DriftEvent]:
        """Events whose recommendation is still to be looked at, oldest first."""
        ...

    async def finish(self, event: DriftEvent, *, actor: str, rationale: str, now: datetime) -> bool:
        """Record what re-evaluation gave, in one transaction: the event, an entry in the audit trail's hash chain
        (``DRIFT_TRIGGERED``) and ``DriftConfirmed`` in the outbox. False: it was finished before, nothing is done.
        """
        ...

    async def newest(
        self, service_ids: Sequence[str] | None, sli_type: SliType, since: datetime
    ) -> Mapping[str, DriftEvent]:
        """The newest event of each service (None: of all) whose last alarm was at or after ``since``.

        Services without one are absent.
        """
        ...

    async def page(self, wanted: DriftFilter, page: PageRequest) -> Page[DriftEvent]:
        """Newest first."""
        ...

    async def pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[DriftEvent]]:
        """The same page of each of these services' events, newest first; every service has one."""
        ...

    async def onsets(self, from_at: datetime, until: datetime) -> Sequence[Onset]:
        """When the changes began that were detected in [from_at, until), of every service, by event id; cheap."""
        ...

    async def by_id(self, event_ids: Sequence[str]) -> Mapping[str, DriftEvent]:
        """These events; unknown ids are absent."""
        ...
