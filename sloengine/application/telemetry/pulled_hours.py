"""Hours as a telemetry source gives them, on their way into the aggregates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.telemetry_source import Pulled
from sloengine.domain.reliability.latency_hours import latency_hours
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def store_pulled(history: SliHistory, pulled: Pulled, known: Collection[str]) -> None:
    """Write what was pulled; calls between services that the graph does not know are left out.

    Safe to run twice. ``pulled`` begins at a midnight: latency is kept per day, and a day is always written whole.
    """
    await history.write(pulled.availability)
    if pulled.latency:
        await history.write_latency([in_days(hourly) for hourly in pulled.latency.values()])
        hours = latency_hours(list(pulled.latency.values()))
        if hours is not None:
            await history.write_latency_hours(hours)
    if pulled.edges is not None:
        edges = among(pulled.edges, known)
        if edges.pairs:
            await history.write_edges(edges)


def floor_to(at: datetime, step: timedelta) -> datetime:
    """The last UTC multiple of the step at or before this time."""
    epoch = datetime.fromtimestamp(0, tz=at.tzinfo)
    return epoch + ((at - epoch) // step) * step


def in_days(hourly: LatencyHistory) -> LatencyHistory:
    """A history whose rows are hours, summed into days; a day none of whose hours has data stays NaN."""
    first = floor_to(hourly.start_at, DAY)
    offset = (hourly.start_at - first) // HOUR
    hours = len(hourly.counts)
    days = -(-(offset + hours) // 24)
    padded = np.full((days * 24, hourly.counts.shape[1]), np.nan)
    padded[offset : offset + hours] = hourly.counts
    by_day = padded.reshape(days, 24, -1)
    summed = np.where(np.isnan(by_day).all(axis=1), np.nan, np.nansum(by_day, axis=1))
    return LatencyHistory(
        hourly.service_id, first, hourly.bounds_seconds, summed, percentiles_only=hourly.percentiles_only
    )


def among(edges: EdgePanel, known: Collection[str]) -> EdgePanel:
    """Calls between these services only."""
    rows: Sequence[int] = [i for i, pair in enumerate(edges.pairs) if pair[0] in known and pair[1] in known]
    pairs = tuple(edges.pairs[row] for row in rows)
    return EdgePanel(pairs, edges.start_at, edges.step, edges.calls[list(rows)], edges.failed[list(rows)])
