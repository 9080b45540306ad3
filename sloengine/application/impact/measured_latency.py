"""Percentiles of whole services over the last 28 days, from summed histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds

LOOKBACK = 28 * DAY
_LEVELS = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
_AT_ONCE = 500


async def measured_latency(
    history: SliHistory, service_ids: Sequence[str], to_day: datetime
) -> Mapping[tuple[str, ObjectiveKind], float]:
    """Milliseconds by service and kind; services without a histogram are absent."""
    found: dict[tuple[str, ObjectiveKind], float] = {}
    for first in range(0, len(service_ids), _AT_ONCE):
        some = service_ids[first : first + _AT_ONCE]
        for service_id, series in (await history.read_latency(some, to_day - LOOKBACK, to_day)).items():
            counts = series.counts[~np.isnan(series.counts).any(axis=1)]
            if series.percentiles_only or not len(counts):
                continue
            for kind, level in _LEVELS.items():
                seconds = histogram_percentile_seconds(series.bounds_seconds, counts.sum(axis=0), level)
                if seconds is not None:
                    found[service_id, kind] = 1000.0 * seconds
    return found
