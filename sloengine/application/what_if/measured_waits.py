"""What services took over the last 28 days, from summed histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.what_if.waiting import MeasuredLatency

LOOKBACK = 28 * DAY
_LEVELS = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
_FASTEST = 0.05
_AT_ONCE = 500


async def measured_waits(
    history: SliHistory, service_ids: Sequence[str], to_day: datetime
) -> Mapping[str, MeasuredLatency]:
    """By service; those without a histogram are absent, and so are percentiles above its last finite bound."""
    found: dict[str, MeasuredLatency] = {}
    for first in range(0, len(service_ids), _AT_ONCE):
        some = service_ids[first : first + _AT_ONCE]
        for service_id, series in (await history.read_latency(some, to_day - LOOKBACK, to_day)).items():
            counts = series.counts[~np.isnan(series.counts).any(axis=1)]
            if series.percentiles_only or not counts.sum() > 0.0:
                continue
            known = _of(series.bounds_seconds, counts.sum(axis=0))
            if known is not None:
                found[service_id] = known
    return found


def _of(bounds_seconds: FloatArray, counts: FloatArray) -> MeasuredLatency | None:
    below = float(counts[np.isfinite(bounds_seconds)].sum() / counts.sum())
    fastest = histogram_percentile_seconds(bounds_seconds, counts, _FASTEST)
    if fastest is None or below < _FASTEST:
        return None
    percentiles: dict[ObjectiveKind, float] = {}
    for kind, level in _LEVELS.items():
        seconds = histogram_percentile_seconds(bounds_seconds, counts, level)
        if seconds is not None and level <= below:
            percentiles[kind] = 1000.0 * seconds
    return MeasuredLatency(percentiles, 1000.0 * fastest)
