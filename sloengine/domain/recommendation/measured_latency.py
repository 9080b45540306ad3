"""What a service took over some days, from summed histograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.histogram_percentile import histogram_percentile_seconds
from sloengine.domain.reliability.panel import LatencyHistory

LEVELS = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}
_FASTEST = 0.05


@dataclass(frozen=True, slots=True)
class MeasuredLatency:
    """What one service took of late, in milliseconds. ``percentile_ms``: kinds that its histogram can tell;
    ``fastest_ms``: one request in twenty took no longer, > 0.
    """

    percentile_ms: Mapping[ObjectiveKind, float]
    fastest_ms: float

    @classmethod
    def of(cls, history: LatencyHistory) -> MeasuredLatency | None:
        """Percentiles of all days together; None without requests or where hardly any lies within a bound.

        A percentile above the last finite bound is absent: nothing is known of it but that it is longer.
        """
        days = history.counts[~np.isnan(history.counts).any(axis=1)]
        if history.percentiles_only or not days.sum() > 0.0:
            return None
        bounds, counts = history.bounds_seconds, days.sum(axis=0)
        below = float(counts[np.isfinite(bounds)].sum() / counts.sum())
        fastest = histogram_percentile_seconds(bounds, counts, _FASTEST)
        if fastest is None or below < _FASTEST:
            return None
        percentiles: dict[ObjectiveKind, float] = {}
        for kind, level in LEVELS.items():
            seconds = histogram_percentile_seconds(bounds, counts, level)
            if seconds is not None and level <= below:
                percentiles[kind] = 1000.0 * seconds
        return cls(percentiles, 1000.0 * fastest)
