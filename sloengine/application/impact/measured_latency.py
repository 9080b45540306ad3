"""Percentiles of whole services over the last 28 days, from summed histograms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds
from sloengine.domain.reliability.panel import LatencyHistory

LOOKBACK = 28 * DAY
_LEVELS = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
_SERVICES_A_READ = 500
_READS_AT_ONCE = 4


async def measured_latency(
    history: SliHistory, service_ids: Sequence[str], to_day: datetime
) -> Mapping[tuple[str, ObjectiveKind], float]:
    """Milliseconds by service and kind; services without a histogram are absent."""
    reading = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(some: Sequence[str]) -> Mapping[tuple[str, ObjectiveKind], float]:
        async with reading:  # the histograms of a batch are let go before another one is read
            found = await history.read_latency(some, to_day - LOOKBACK, to_day)
            return await asyncio.to_thread(_percentiles, found)

    batches = [service_ids[i : i + _SERVICES_A_READ] for i in range(0, len(service_ids), _SERVICES_A_READ)]
    found: dict[tuple[str, ObjectiveKind], float] = {}
    for part in await asyncio.gather(*map(read, batches)):
        found.update(part)
    return found


def _percentiles(histories: Mapping[str, LatencyHistory]) -> Mapping[tuple[str, ObjectiveKind], float]:
    found: dict[tuple[str, ObjectiveKind], float] = {}
    for service_id, series in histories.items():
        counts = series.counts[~np.isnan(series.counts).any(axis=1)]
        if series.percentiles_only or not len(counts):
            continue
        for kind, level in _LEVELS.items():
            seconds = histogram_percentile_seconds(series.bounds_seconds, counts.sum(axis=0), level)
            if seconds is not None:
                found[service_id, kind] = 1000.0 * seconds
    return found
