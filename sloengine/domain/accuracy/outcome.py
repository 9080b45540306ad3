"""What came: the window after as-of, summed, and whether a target was met in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.latency_tiers import SHARES
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory, SliPanel

LEAST_KNOWN = 0.9
"""A window of which more than a tenth was not seen is no outcome."""
_DAY = timedelta(days=1)
_SLACK = 1e-12


@dataclass(frozen=True)
class Outcome:
    """``availability``: ratio per service; ``histograms``: counts per service, with their bounds in seconds.

    Services without requests in the window, or with more than a tenth of it unknown, are absent.
    """

    availability: Mapping[str, float]
    histograms: Mapping[str, tuple[FloatArray, FloatArray]]

    def met(self, service_id: str, kind: ObjectiveKind, target: float) -> bool:
        """Whether the window met this target (ratio, or milliseconds that are a bucket bound)."""
        if kind is ObjectiveKind.AVAILABILITY:
            return self.availability[service_id] >= target - _SLACK
        counts, bounds = self.histograms[service_id]
        fast = counts[bounds * 1000.0 <= target * (1 + 1e-9)].sum()
        return bool(fast >= (SHARES[kind] - _SLACK) * counts.sum())

    def percentile_ms(self, service_id: str, kind: ObjectiveKind) -> float:
        """The window's percentile in milliseconds; infinite above the last bound."""
        counts, bounds = self.histograms[service_id]
        return float(percentile_seconds(counts[None, :], bounds, SHARES[kind])[0] * 1000.0)


def outcome_of(
    panel: SliPanel | None, latency: Mapping[str, LatencyHistory], as_of: datetime, horizon: timedelta
) -> Outcome:
    """What came in [as_of, as_of + horizon)."""
    return Outcome(
        {} if panel is None else _availability(panel.between(as_of, as_of + horizon), horizon),
        {
            service_id: (counts, history.bounds_seconds)
            for service_id, history in latency.items()
            if (counts := _histogram(history, as_of, horizon)) is not None
        },
    )


def _availability(ahead: SliPanel, horizon: timedelta) -> dict[str, float]:
    # What cannot be true is no outcome, as it is no evidence.
    ahead = inspect(ahead).cleaned
    known = ~(np.isnan(ahead.good) | np.isnan(ahead.total))
    good, total = (np.where(known, values, 0.0).sum(axis=1) for values in (ahead.good, ahead.total))
    enough = ahead.seen_intervals >= LEAST_KNOWN * (horizon / ahead.step)
    return {
        service_id: min(1.0, float(good[row] / total[row]))
        for row, service_id in enumerate(ahead.service_ids)
        if enough[row] and total[row] > 0
    }


def _histogram(history: LatencyHistory, as_of: datetime, horizon: timedelta) -> FloatArray | None:
    if history.percentiles_only:
        return None
    first = -((history.start_at - as_of) // _DAY)
    last = first + horizon // _DAY
    if first < 0 or last > len(history.counts):
        return None
    days = history.counts[first:last]
    known = ~np.isnan(days).any(axis=1)
    counts = np.asarray(days[known].sum(axis=0))
    return counts if known.mean() >= LEAST_KNOWN and counts.sum() > 0 else None
