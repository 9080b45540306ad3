"""Judge the hours that are new, of every service; what is found is stored with the state it was found in."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sloengine.application.drift.hourly_values import HourlyValues
from sloengine.application.ports.change_detectors import ChangeDetectors
from sloengine.application.ports.drift_store import DriftStore, SeriesKey, WatchUpdate
from sloengine.application.ports.locks import Locks
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.drift.alarm import DriftEvent, alarmed, sli_type_of
from sloengine.domain.drift.baseline import HOURS_A_DAY, HOURS_A_WEEK
from sloengine.domain.drift.model import Change, HourlySeries, hour_of, start_of
from sloengine.domain.drift.watch import REFERENCE_HOURS, Watch, advance, begin, hours_needed, measured
from sloengine.domain.errors import Conflict
from sloengine.domain.recommendation.model import ObjectiveKind, SliType

LOCK = "drift"
LOCK_SECONDS = 60.0
BATCH = 1_000
LONG_BATCH = 250
"""Services whose weeks of history are read at once."""
FEW_HOURS = 48
LATE_HOURS = 14 * 24
"""A series that is seen for the first time is judged so far back."""
LONG_HOURS = REFERENCE_HOURS + LATE_HOURS
_KINDS = tuple(ObjectiveKind)


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What a pass did. ``series``: how many moved on; ``events``: new or alarmed once more."""

    services: int = 0
    series: int = 0
    events: tuple[DriftEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectDrift:
    """Run every 15 minutes; does nothing until there are new hours. Safe to run twice, and to be killed.

    A batch of services is read, judged and stored in one transaction; the next pass goes on where one ended.
    """

    graph: ServiceGraph
    history: SliHistory
    store: DriftStore
    detectors: ChangeDetectors
    locks: Locks
    batch: int = BATCH
    values: HourlyValues = field(init=False)
    _tried: dict[str, int] = field(default_factory=dict, init=False)
    """When this process last looked for series that are not watched yet."""

    def __post_init__(self) -> None:
        """Reading is part of it."""
        object.__setattr__(self, "values", HourlyValues(self.history))

    async def __call__(self) -> DriftReport:
        """What was done. Raises ``Conflict`` while another pass is at it."""
        async with self.locks.hold(LOCK, ttl_seconds=LOCK_SECONDS) as got:
            if not got:
                raise Conflict("drift is being looked for already; the next pass goes on behind it")
            return await self._pass()

    async def _pass(self) -> DriftReport:
        aggregated_to = (await self.history.watermark()).aggregated_to
        if aggregated_to is None:
            return DriftReport()
        until = hour_of(aggregated_to)
        every = sorted(service.service_id for service in (await self.graph.snapshot()).services)
        behind = await self._behind(every, until)
        report = DriftReport()
        for start in range(0, len(behind), self.batch):
            some = behind[start : start + self.batch]
            known = await self.store.watches(some)
            unknown = {service_id for service_id in some if self._is_to_try(service_id, known, until)}
            for group, first_hour in _groups(some, unknown, known, until):
                saved, events = await self._judge(group, known, first_hour, until)
                report = DriftReport(
                    report.services + len(group), report.series + saved, (*report.events, *events)
                )
        return report

    async def _behind(self, service_ids: Sequence[str], until: int) -> list[str]:
        """Services any of whose series has hours to judge, or may have become old enough to be watched."""
        reached = await self.store.reached(service_ids)
        return [
            service_id
            for service_id in service_ids
            if any(reached.get((service_id, kind), until) < until for kind in _KINDS)
            or self._is_to_try(service_id, reached, until)
        ]

    def _is_to_try(self, service_id: str, known: Mapping[SeriesKey, object], until: int) -> bool:
        """Whether there are series that are not watched, and nobody here has looked for them today."""
        if all((service_id, kind) in known for kind in _KINDS):
            return False
        return until - self._tried.get(service_id, until - HOURS_A_DAY) >= HOURS_A_DAY

    async def _judge(
        self,
        service_ids: Sequence[str],
        known: Mapping[SeriesKey, tuple[Watch, int]],
        first_hour: int,
        until: int,
    ) -> tuple[int, list[DriftEvent]]:
        series = dict(await self.values(service_ids, first_hour, until))
        for service_id in service_ids:
            for kind in _KINDS:
                if (service_id, kind) in known and (service_id, kind) not in series:
                    series[service_id, kind] = _silence(kind, first_hour, until)
        moved = await asyncio.to_thread(self._advanced, series, known, until)
        changed = sorted({key[0] for key, (_, _, changes) in moved.items() if changes})
        # The few that changed are read back to where they came from.
        past = await self.values(changed, until - LONG_HOURS, until) if changed else {}
        open_events: dict[tuple[str, SliType], DriftEvent] = {}
        for sli_type in SliType if changed else ():
            newest = await self.store.newest(changed, sli_type, start_of(until - LONG_HOURS))
            open_events.update({(service_id, sli_type): event for service_id, event in newest.items()})
        updates = []
        for (service_id, kind), (watch, revision, changes) in moved.items():
            place = (service_id, sli_type_of(kind))
            found: list[DriftEvent] = []
            for change in changes:
                seen = measured(change, past.get((service_id, kind), series[service_id, kind]))
                event = alarmed(open_events.get(place), service_id, kind, seen)
                open_events[place] = event
                found = [*(one for one in found if one.event_id != event.event_id), event]
            before = known.get((service_id, kind))
            relearnt = before is None or before[0].baseline is not watch.baseline
            # A pass that catches up may find several events; all are stored with the state behind them.
            updates.append(WatchUpdate(service_id, kind, watch, revision, relearnt, tuple(found)))
        stored = set(await self.store.save(updates))
        self._tried.update(dict.fromkeys(service_ids, until))
        # p95 and p99 may speak of the same event; the later word holds.
        events = {
            event.event_id: event
            for update in updates
            if (update.service_id, update.kind) in stored
            for event in update.events
        }
        return len(stored), list(events.values())

    def _advanced(
        self,
        series: Mapping[SeriesKey, HourlySeries],
        known: Mapping[SeriesKey, tuple[Watch, int]],
        until: int,
    ) -> dict[SeriesKey, tuple[Watch, int, tuple[Change, ...]]]:
        moved: dict[SeriesKey, tuple[Watch, int, tuple[Change, ...]]] = {}
        for key, one in series.items():
            watch, revision = known.get(key, (None, 0))
            if watch is None:
                watch = begin(one, until, judged=LATE_HOURS)
            if watch is None or watch.reached >= until:
                continue
            after, changes = advance(watch, one, until, self.detectors, offset=_offset(key[0]))
            moved[key] = (after, revision, changes)
        return moved


def _offset(service_id: str) -> int:
    """The hour of the week in which a service's baselines are learnt anew: spreads the work."""
    return zlib.crc32(service_id.encode()) % HOURS_A_WEEK


def _silence(kind: ObjectiveKind, first_hour: int, until: int) -> HourlySeries:
    """A series of which nothing was heard: its hours pass without a value."""
    nothing = np.full(until - first_hour, np.nan)
    return HourlySeries(first_hour, nothing, nothing if kind is ObjectiveKind.AVAILABILITY else None)


def _groups(
    service_ids: Sequence[str], unknown: Collection[str], known: Mapping[SeriesKey, tuple[Watch, int]], until: int
) -> list[tuple[Sequence[str], int]]:
    """Services to read together, and from which hour on: a few hours of many, weeks of a few."""
    short: list[str] = []
    long: list[str] = []
    earliest = until
    for service_id in service_ids:
        watches = [known[service_id, kind][0] for kind in _KINDS if (service_id, kind) in known]
        needed = min((hours_needed(watch, until, _offset(service_id)) for watch in watches), default=0)
        if service_id not in unknown and needed >= until - FEW_HOURS:
            short.append(service_id)
            earliest = min(earliest, needed)
        else:
            long.append(service_id)
    groups: list[tuple[Sequence[str], int]] = [(short, earliest)] if short and earliest < until else []
    groups.extend(
        (long[start : start + LONG_BATCH], until - LONG_HOURS) for start in range(0, len(long), LONG_BATCH)
    )
    return groups
