"""Learn from the organisation's own finished windows how far the model's promises can be believed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import DAY, Plan, levels_at
from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.ports.calibration_store import CalibrationStore
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import floor_to
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph

EVERY_DAYS = 7
MOST_SERVICES = 200
"""Services looked at: the same ones each time. More would share the same incidents and teach little."""
MOST_LOOKS = 4
"""Looks back in one run; a worker is not held up longer than a minute."""
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LearnCalibration:
    """Run daily; safe to run twice. Each run takes the newest weeks that nobody has looked back from yet."""

    graph: ServiceGraph
    history: SliHistory
    store: CalibrationStore
    clock: Clock
    settings: EngineSettings
    grouping: ArchetypeGrouping
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D

    async def __call__(self) -> int:
        """Weeks that are still to be looked back from: run again while there are any."""
        watermark = await self.history.watermark()
        if watermark.aggregated_to is None:
            return 0
        end = floor_to(watermark.aggregated_to, DAY)
        records = {record.kind: record for record in await self.store.load()}
        now = self.clock.now()
        await self._draw_again(records, now)
        looked = set.intersection(*(set(_looked(records, kind)) for kind in ObjectiveKind))
        weeks = [day for day in self._weeks(end) if day not in looked]
        if not weeks:
            return 0
        batch = weeks[:MOST_LOOKS]
        past = await self._past(min(batch) - self.settings.prior_lookback_days * DAY, end)
        since = None if past is None else past.first_at
        least = self.settings.cold_start_days * DAY
        # Weeks before anything was known stay open: somebody may yet load an older history.
        batch = [] if since is None else [week for week in batch if week - least >= since]
        if past is None or not batch:
            await self._note_first_run(records, now)
            return 0
        levels = await asyncio.to_thread(self._levels, past, batch)
        for kind in ObjectiveKind:
            record = records.get(kind) or CalibrationRecord.empty(kind, now)
            seen = set(record.looked)
            fresh = [one for one in levels if one.kind is kind and one.as_of not in seen]
            taught = await asyncio.to_thread(record.with_windows, batch, fresh, self.settings, now)
            await self.store.save(taught)
        return len(weeks) - len(batch)

    async def _draw_again(self, records: Mapping[ObjectiveKind, CalibrationRecord], now: datetime) -> None:
        """Records that another version of the engine has left without points."""
        for record in records.values():
            if record.lacks_points:
                await self.store.save(await asyncio.to_thread(record.with_windows, (), (), self.settings, now))

    async def _note_first_run(self, records: Mapping[ObjectiveKind, CalibrationRecord], now: datetime) -> None:
        for kind in ObjectiveKind:
            if kind not in records:
                await self.store.save(CalibrationRecord.empty(kind, now))

    def _weeks(self, end: datetime) -> list[datetime]:
        """Mondays of the last year whose window is over, newest first."""
        last = end - self.window.length
        newest = last - (last - _MONDAY) % (EVERY_DAYS * DAY)
        return [newest - EVERY_DAYS * DAY * back for back in range(365 // EVERY_DAYS)]

    async def _past(self, from_at: datetime, to_at: datetime) -> Past | None:
        whole = await self.graph.snapshot()
        chosen = sorted(whole.services, key=lambda service: hashlib.sha256(service.service_id.encode()).digest())
        chosen = sorted(chosen[:MOST_SERVICES], key=lambda service: service.service_id)
        names = [service.service_id for service in chosen]
        if not names:
            return None
        panel = await self.history.read(names, from_at, to_at)
        latency = await self.history.read_latency(names, floor_to(from_at, DAY), to_at)
        if not panel.service_ids and not latency:
            return None
        # Own levels need no dependencies: bounds only ever make targets looser.
        part = DependencyGraph(tuple(chosen), ())
        return Past(part, panel if panel.service_ids else None, latency, grouping=self.grouping, whole=whole)

    def _levels(self, past: Past, weeks: Sequence[datetime]) -> list[Level]:
        plan = Plan(
            train_days=self.settings.lookback_days,
            prior_days=self.settings.prior_lookback_days,
            window=self.window,
            every_days=EVERY_DAYS,
            settings=self.settings,
            least_days=round(self.settings.cold_start_days),
        )
        return [level for week in weeks for level in levels_at(past, plan, week)]


def _looked(records: Mapping[ObjectiveKind, CalibrationRecord], kind: ObjectiveKind) -> Sequence[datetime]:
    record = records.get(kind)
    return () if record is None else record.looked
