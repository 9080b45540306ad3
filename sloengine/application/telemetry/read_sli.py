"""Read what services did. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.errors import Invalid
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds
from sloengine.domain.reliability.intervals import Interval, ratio_interval
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory, SliPanel

MAX_POINTS = 5_000


class SliWindow(StrEnum):
    """Look-back of an SLI, ending at the newest aggregated hour."""

    LAST_1H = "LAST_1H"
    LAST_1D = "LAST_1D"
    LAST_7D = "LAST_7D"
    LAST_28D = "LAST_28D"
    LAST_90D = "LAST_90D"

    @property
    def length(self) -> timedelta:
        """Length of the look-back."""
        return _LENGTHS[self]


_LENGTHS = {
    SliWindow.LAST_1H: HOUR,
    SliWindow.LAST_1D: DAY,
    SliWindow.LAST_7D: 7 * DAY,
    SliWindow.LAST_28D: 28 * DAY,
    SliWindow.LAST_90D: 90 * DAY,
}


class SliStep(StrEnum):
    """Step of a series."""

    HOUR = "HOUR"
    DAY = "DAY"

    @property
    def length(self) -> timedelta:
        """Length of an interval."""
        return HOUR if self is SliStep.HOUR else DAY


@dataclass(frozen=True, slots=True)
class SliValue:
    """Sums over a window. ``completeness``: share of it that was seen, in [0, 1].

    ``events``: good and valid ones of each interval, oldest first, where they are counted.
    """

    from_at: datetime
    to_at: datetime
    completeness: float
    good: float | None = None
    total: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    events: tuple[FloatArray, FloatArray] | None = field(default=None, compare=False, repr=False)

    def interval(self) -> Interval | None:
        """95 % interval of the long-run ratio; None: not counted, or too few independent intervals to give one."""
        return None if self.events is None else ratio_interval(*self.events)


@dataclass(frozen=True, slots=True)
class SliPoint:
    """One interval; None is *no data*."""

    at: datetime
    good: float | None = None
    total: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ReadSli:
    """Sums of stored good and valid events and of histogram counts; ratios and percentiles are never averaged.

    Intervals that cannot be true (more good than valid events, one of the two missing) are no data, as for
    targets.

    Latency is stored per day, so windows and steps shorter than a day stand for the days they touch.
    """

    history: SliHistory
    clock: Clock

    async def sli(
        self, service_ids: Sequence[str], sli_type: SliType, window: SliWindow
    ) -> Mapping[str, SliValue]:
        """Value over the window; services without any data are absent."""
        to_at = (await self.history.watermark()).aggregated_to or floor_to(self.clock.now(), HOUR)
        if sli_type is SliType.LATENCY:
            first, last = floor_to(to_at - window.length, DAY), _ceil_day(to_at)
            histories = await self.history.read_latency(service_ids, first, last)
            found = {key: _latency_value(history, first, last) for key, history in histories.items()}
            return {key: value for key, value in found.items() if value is not None}
        panel = inspect(await self.history.read(service_ids, to_at - window.length, to_at)).cleaned
        return {
            service_id: value
            for row, service_id in enumerate(panel.service_ids)
            if (value := _availability_value(panel, row, window.length)) is not None
        }

    async def series(
        self, service_id: str, sli_type: SliType, from_at: datetime, to_at: datetime, step: SliStep
    ) -> Sequence[SliPoint]:
        """Points oldest first; latency has daily points only. Raises ``Invalid`` above 5,000 points."""
        return (await self.series_of([service_id], sli_type, from_at, to_at, step))[service_id]

    async def series_of(
        self, service_ids: Sequence[str], sli_type: SliType, from_at: datetime, to_at: datetime, step: SliStep
    ) -> Mapping[str, Sequence[SliPoint]]:
        """The same for several services, in one query; every service has an entry."""
        if to_at <= from_at:
            raise Invalid("the series ends before it starts", path=("to",))
        if (to_at - from_at) / step.length > MAX_POINTS:
            raise Invalid(f"more than {MAX_POINTS} points: ask for a shorter range or days", path=("from",))
        if sli_type is SliType.LATENCY:
            histories = await self.history.read_latency(service_ids, floor_to(from_at, DAY), to_at)
            return {key: _latency_points(histories.get(key)) for key in service_ids}
        panel = inspect(await self.history.read(service_ids, floor_to(from_at, step.length), to_at)).cleaned
        coarse = max(panel.step, step.length)
        return {
            service_id: _availability_points(panel, row, coarse)
            for row, service_id in enumerate(panel.service_ids)
        }


def _availability_value(panel: SliPanel, row: int, length: timedelta) -> SliValue | None:
    seen = ~np.isnan(panel.total[row])
    if not seen.any():
        return None
    good, total = float(panel.good[row][seen].sum()), float(panel.total[row][seen].sum())
    return SliValue(
        from_at=panel.start_at,
        to_at=panel.ends_at,
        # Days reach out of a window that does not begin at midnight; what was seen lies within it.
        completeness=min(1.0, float(panel.seen[row].sum()) / (length / panel.step)),
        good=good,
        total=total,
        ratio=good / total if total > 0 else None,
        events=(panel.good[row], panel.total[row]),
    )


def _availability_points(panel: SliPanel, row: int, step: timedelta) -> list[SliPoint]:
    """Points of this step, oldest first; the panel's own step is as fine or finer."""
    points: dict[datetime, tuple[float, float, bool]] = {}
    for column in range(panel.total.shape[1]):
        at = floor_to(panel.start_at + column * panel.step, step)
        good, total, seen = points.get(at, (0.0, 0.0, False))
        if not np.isnan(panel.total[row, column]):
            good, total = good + float(panel.good[row, column]), total + float(panel.total[row, column])
            seen = True
        points[at] = (good, total, seen)
    return [
        SliPoint(at, good, total, good / total if total > 0 else None) if seen else SliPoint(at)
        for at, (good, total, seen) in points.items()
    ]


def _latency_value(history: LatencyHistory, from_at: datetime, to_at: datetime) -> SliValue | None:
    seen = ~np.isnan(history.counts).any(axis=1)
    if not seen.any():
        return None
    counts = history.counts[seen].sum(axis=0)
    p50, p95, p99 = _percentiles_ms(history.bounds_seconds, counts)
    return SliValue(
        from_at=from_at,
        to_at=to_at,
        completeness=min(1.0, float(seen.sum()) / max(1, (to_at - from_at) // DAY)),
        total=float(counts.sum()),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def _latency_points(history: LatencyHistory | None) -> list[SliPoint]:
    if history is None:
        return []
    points: list[SliPoint] = []
    for day, counts in enumerate(history.counts):
        at = history.start_at + day * DAY
        if np.isnan(counts).any():
            points.append(SliPoint(at))
            continue
        p50, p95, p99 = _percentiles_ms(history.bounds_seconds, counts)
        points.append(SliPoint(at, total=float(counts.sum()), p50_ms=p50, p95_ms=p95, p99_ms=p99))
    return points


def _percentiles_ms(bounds: FloatArray, counts: FloatArray) -> tuple[float | None, float | None, float | None]:
    p50, p95, p99 = (histogram_percentile_seconds(bounds, counts, q) for q in (0.5, 0.95, 0.99))
    return _ms(p50), _ms(p95), _ms(p99)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _ceil_day(at: datetime) -> datetime:
    floor = floor_to(at, DAY)
    return floor if floor == at else floor + DAY
