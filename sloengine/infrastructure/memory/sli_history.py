"""What services did, in dicts by interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import EdgePanel, FloatArray, LatencyHistory, SliPanel
from sloengine.infrastructure.memory.database import MemoryDatabase

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)

type Intervals = dict[datetime, tuple[int, float, float, float]]
"""Seconds, part, whole and the seconds that were seen, by the start of the interval."""


class MemorySliHistory:
    """Keeps the ``SliHistory`` port."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def write(self, panel: SliPanel) -> None:
        """Store an availability panel."""
        if panel.total.size == 0:
            return
        for row, service_id in enumerate(panel.service_ids):
            stored = self._db.availability.setdefault(service_id, {})
            _store(stored, panel.start_at, panel.step, panel.good[row], panel.total[row], panel.seen[row])

    async def write_edges(self, panel: EdgePanel) -> None:
        """Store calls per edge."""
        for row, pair in enumerate(panel.pairs):
            stored = self._db.edge_calls.setdefault(pair, {})
            _store(
                stored,
                panel.start_at,
                panel.step,
                panel.failed[row],
                panel.calls[row],
                np.ones(panel.calls.shape[1]),
            )

    async def write_latency(self, histories: Sequence[LatencyHistory]) -> None:
        """Store daily histograms."""
        for history in histories:
            days = self._db.latency.setdefault(history.service_id, {})
            if history.percentiles_only:
                self._db.percentiles_only.add(history.service_id)
            for day, counts in enumerate(history.counts):
                if not np.isnan(counts).any():
                    at = history.start_at + day * _DAY
                    days[at] = (tuple(history.bounds_seconds.tolist()), tuple(counts.tolist()))

    async def write_latency_hours(self, hours: LatencyHours) -> None:
        """Store hourly percentiles of days that have a histogram."""
        for row, service_id in enumerate(hours.service_ids):
            days = self._db.latency.get(service_id, {})
            stored = self._db.latency_hours.setdefault(service_id, {})
            values = np.stack([hours.p50_ms[row], hours.p95_ms[row], hours.p99_ms[row], hours.requests[row]])
            touched = {_midnight(hours.start_at + hour * _HOUR) for hour in range(values.shape[1])}
            for at in [at for at in stored if _midnight(at) in touched & set(days)]:
                del stored[at]
            for hour in np.flatnonzero(~np.isnan(values[3])):
                at = hours.start_at + int(hour) * _HOUR
                if _midnight(at) in days:
                    p50, p95, p99, requests = values[:, hour].tolist()
                    stored[at] = (p50, p95, p99, requests)

    async def read_latency_hours(
        self, service_ids: Sequence[str], from_at: datetime, to_at: datetime
    ) -> LatencyHours:
        """Hourly percentiles in [from_at, to_at)."""
        wanted = tuple(dict.fromkeys(service_ids))
        values = np.full((4, len(wanted), (to_at - from_at) // _HOUR), np.nan)
        for row, service_id in enumerate(wanted):
            for at, stored in self._db.latency_hours.get(service_id, {}).items():
                if from_at <= at < to_at:
                    values[:, row, (at - from_at) // _HOUR] = stored
        return LatencyHours(wanted, from_at, *values)

    async def read(self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime) -> SliPanel:
        """Availability in [from_at, to_at)."""
        wanted = sorted(self._db.availability) if service_ids is None else list(dict.fromkeys(service_ids))
        series = [self._db.availability.get(key, {}) for key in wanted]
        start_at, step, good, total, coverage = _panel(series, from_at, to_at)
        is_whole = bool((np.isnan(total) | (coverage >= 1.0)).all())
        return SliPanel(tuple(wanted), start_at, step, good, total, None if is_whole else coverage)

    async def read_edges(
        self, pairs: Sequence[tuple[str, str]] | None, from_at: datetime, to_at: datetime
    ) -> EdgePanel | None:
        """Calls per edge."""
        candidates = sorted(self._db.edge_calls) if pairs is None else list(dict.fromkeys(pairs))
        wanted = [pair for pair in candidates if _within(self._db.edge_calls.get(pair, {}), from_at, to_at)]
        if not wanted:
            return None
        start_at, step, failed, calls, _ = _panel([self._db.edge_calls[pair] for pair in wanted], from_at, to_at)
        return EdgePanel(tuple(wanted), start_at, step, calls, failed)

    async def read_latency(
        self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime
    ) -> Mapping[str, LatencyHistory]:
        """Histograms on the bounds that all days share."""
        wanted = sorted(self._db.latency) if service_ids is None else service_ids
        found: dict[str, LatencyHistory] = {}
        for service_id in wanted:
            stored = self._db.latency.get(service_id, {})
            days = {at: value for at, value in stored.items() if from_at <= at < to_at}
            if days or service_id in self._db.percentiles_only:
                found[service_id] = self._history(service_id, days, from_at)
        return found

    def _history(
        self,
        service_id: str,
        days: Mapping[datetime, tuple[tuple[float, ...], tuple[float, ...]]],
        from_at: datetime,
    ) -> LatencyHistory:
        first = min(days, default=from_at)
        length = (max(days) - first) // _DAY + 1 if days else 0
        shared = sorted(set.intersection(*(set(bounds) for bounds, _ in days.values()))) if days else [np.inf]
        counts = np.full((length, len(shared)), np.nan)
        for at, (bounds, values) in days.items():
            row = np.zeros(len(shared))
            np.add.at(row, np.searchsorted(shared, bounds), values)
            counts[(at - first) // _DAY] = row
        only = service_id in self._db.percentiles_only
        return LatencyHistory(service_id, first, np.array(shared), counts, percentiles_only=only)

    async def watermark(self) -> Watermark:
        """How far the aggregation has come."""
        return self._db.watermark

    async def set_watermark(self, watermark: Watermark) -> None:
        """Store it."""
        self._db.watermark = watermark

    async def without_past(self) -> Sequence[str]:
        """Services whose past was never asked for."""
        return sorted(set(self._db.services) - set(self._db.past_asked_at))

    async def note_past(self, service_ids: Sequence[str], *, now: datetime) -> None:
        """The source was asked for it."""
        self._db.past_asked_at.update({one: now for one in service_ids if one in self._db.services})

    async def prune(self, *, detail_before: datetime, all_before: datetime) -> int:
        """Fold old detail into days, drop what is older still."""
        touched = 0
        for series in (*self._db.availability.values(), *self._db.edge_calls.values()):
            old = {
                at: value
                for at, value in series.items()
                if at < detail_before and at.date() < detail_before.date()
            }
            for at, (step, part, whole, seen) in sorted(old.items()):
                if at < all_before:
                    del series[at]
                    touched += 1
                elif step < _DAY.total_seconds():
                    del series[at]
                    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
                    _, day_part, day_whole, day_seen = series.get(midnight, (0, 0.0, 0.0, 0.0))
                    sums = (day_part + part, day_whole + whole, day_seen + seen)
                    series[midnight] = (int(_DAY.total_seconds()), *sums)
                    touched += 1
        for hours in self._db.latency_hours.values():
            for at in [at for at in hours if at.date() < detail_before.date()]:
                del hours[at]
        for days in self._db.latency.values():
            for at in [at for at in days if at < all_before]:
                del days[at]
                touched += 1
        return touched


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _store(
    stored: Intervals,
    start_at: datetime,
    step: timedelta,
    part: FloatArray,
    whole: FloatArray,
    seen: FloatArray,
) -> None:
    seconds = int(step.total_seconds())
    finest = min((value[0] for value in stored.values()), default=seconds)
    for i in np.flatnonzero(~(np.isnan(whole) | np.isnan(part))):
        at = start_at + int(i) * step
        for offset in range(finest, seconds, finest):  # detail that this covers
            stored.pop(at + timedelta(seconds=offset), None)
        stored[at] = (seconds, float(part[i]), float(whole[i]), seconds * float(seen[i]))


def _within(series: Intervals, from_at: datetime, to_at: datetime) -> Intervals:
    return {at: value for at, value in series.items() if from_at <= at < to_at}


def _panel(
    series: Sequence[Intervals], from_at: datetime, to_at: datetime
) -> tuple[datetime, timedelta, FloatArray, FloatArray, FloatArray]:
    """Start, step, parts, wholes and shares seen; the step is the coarsest that any of the series has."""
    inside = [_within(one, from_at, to_at) for one in series]
    seconds = max((value[0] for one in inside for value in one.values()), default=3600)
    step = timedelta(seconds=seconds)
    epoch = datetime.fromtimestamp(0, tz=from_at.tzinfo)
    start_at = epoch + ((from_at - epoch) // step) * step
    length = max(0, -((start_at - to_at) // step))
    part = np.full((len(inside), length), np.nan)
    whole = np.full((len(inside), length), np.nan)
    coverage = np.zeros((len(inside), length))
    for row, one in enumerate(inside):
        for at, (_, some, all_of_it, seen) in one.items():
            column = (at - start_at) // step
            part[row, column] = np.nansum([part[row, column], some])
            whole[row, column] = np.nansum([whole[row, column], all_of_it])
            coverage[row, column] += seen
    return start_at, step, part, whole, np.minimum(1.0, coverage / seconds)
