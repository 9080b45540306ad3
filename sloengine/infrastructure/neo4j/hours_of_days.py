"""Hourly percentiles cut into the days they are stored by, and put together again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.infrastructure.neo4j.instants import day_number, day_start

_HOUR = timedelta(hours=1)
_A_DAY = 24


def hour_rows(hours: LatencyHours) -> list[dict[str, Any]]:
    """One row a service and day that has requests, each with 24 values."""
    values = np.stack([hours.p50_ms, hours.p95_ms, hours.p99_ms, hours.requests])
    first = day_number(hours.start_at)
    before = (hours.start_at - day_start(first)) // _HOUR
    after = -(before + values.shape[2]) % _A_DAY
    padded = np.pad(values, ((0, 0), (0, 0), (before, after)), constant_values=np.nan)
    by_day = padded.reshape(*padded.shape[:2], -1, _A_DAY)
    known = ~np.isnan(by_day[3]).all(axis=2)
    return [
        {
            "service_id": hours.service_ids[row],
            "day": first + int(day),
            "p50_ms": by_day[0, row, day].tolist(),
            "p95_ms": by_day[1, row, day].tolist(),
            "p99_ms": by_day[2, row, day].tolist(),
            "requests": by_day[3, row, day].tolist(),
        }
        for row, day in np.argwhere(known)
    ]


def hours_of(
    rows: Sequence[Sequence[Any]], service_ids: Sequence[str], from_at: datetime, to_at: datetime
) -> LatencyHours:
    """The hours in [from_at, to_at) of rows (service id, day, p50, p95, p99, requests)."""
    wanted = tuple(dict.fromkeys(service_ids))
    place = {service_id: row for row, service_id in enumerate(wanted)}
    first, last = day_number(from_at), day_number(to_at - _HOUR)
    values = np.full((4, len(wanted), max(0, last - first + 1) * _A_DAY), np.nan)
    for service_id, day, *lists in rows:
        column = (day - first) * _A_DAY
        values[:, place[service_id], column : column + _A_DAY] = lists
    begin = (from_at - day_start(first)) // _HOUR
    cut = values[:, :, begin : begin + (to_at - from_at) // _HOUR]
    return LatencyHours(wanted, from_at, cut[0], cut[1], cut[2], cut[3])
