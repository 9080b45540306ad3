"""What services took over the last 28 days, for all who ask what waiting costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY
from sloengine.domain.recommendation.measured_latency import MeasuredLatency
from sloengine.domain.reliability.panel import LatencyHistory

LOOKBACK = 28 * DAY
_SERVICES_A_READ = 500
_READS_AT_ONCE = 4


async def measured_latency(
    history: SliHistory, service_ids: Sequence[str], to_day: datetime
) -> Mapping[str, MeasuredLatency]:
    """By service; those without a histogram are absent, and so are percentiles above its last finite bound."""
    reading = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(some: Sequence[str]) -> Mapping[str, MeasuredLatency]:
        async with reading:  # the histograms of a batch are let go before another one is read
            found = await history.read_latency(some, to_day - LOOKBACK, to_day)
            return await asyncio.to_thread(_measured, found)

    batches = [service_ids[i : i + _SERVICES_A_READ] for i in range(0, len(service_ids), _SERVICES_A_READ)]
    found: dict[str, MeasuredLatency] = {}
    for part in await asyncio.gather(*map(read, batches)):
        found.update(part)
    return found


def _measured(histories: Mapping[str, LatencyHistory]) -> Mapping[str, MeasuredLatency]:
    found = {service_id: MeasuredLatency.of(series) for service_id, series in histories.items()}
    return {service_id: one for service_id, one in found.items() if one is not None}
