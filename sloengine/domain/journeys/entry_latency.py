"""How long a journey's requests take: measured where they enter.

A service that waits for what it calls measures that waiting, as it came in each request: calls one after another
or side by side, slow minutes that were slow for several at once, timeouts and retries. Composing it again from
parts would need the order of calls, which the graph does not know. So the entry points' histograms are the
journey's, mixed by the share of requests that enters at each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.journeys.model import Journey
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

_DAY = timedelta(days=1)


def entry_latency(
    journey: Journey, histories: Mapping[str, LatencyHistory]
) -> tuple[LatencyHistory | None, str | None]:
    """The journey's daily histograms, with what has to be said of them; None with the reason why there are none.

    Entry points are mixed by the routes' weights; by their requests where there are no routes. A day counts where
    all of them have data.
    """
    weights = _weights(journey)
    missing = [entry for entry in weights if entry not in histories or histories[entry].percentiles_only]
    if missing:
        return None, (
            f"No latency histogram of {', '.join(missing)}, where requests of journey {journey.name} enter: a "
            "journey's latency is measured there. Collect one with bounds near the target."
        )
    first = histories[next(iter(weights))]
    if any(not np.array_equal(histories[entry].bounds_seconds, first.bounds_seconds) for entry in weights):
        return None, (
            f"The entry points of journey {journey.name} have histograms with different bounds, which cannot be "
            "mixed. Give them the same bounds, or make a journey of each."
        )
    starts = max(histories[entry].start_at for entry in weights)
    ends = min(_days_end(histories[entry], starts) for entry in weights)
    parts = {entry: _cut(histories[entry], starts, ends) for entry in weights}
    counts = sum(parts.values()) if not journey.routes else _mixed(parts, weights)
    warning = None
    if journey.routes:
        warning = (
            f"latency is that of all requests of {', '.join(weights)}, whatever routes they took; requests of "
            "other journeys that enter there are in it"
        )
    return LatencyHistory(journey.name, starts, first.bounds_seconds, np.asarray(counts, np.float64)), warning


def _weights(journey: Journey) -> dict[str, float]:
    """Share of the journey's requests that enters at each entry point which any of them uses."""
    if not journey.routes:
        return dict.fromkeys(journey.entry_points, 1.0)
    weights: dict[str, float] = {}
    for route, share in zip(journey.routes, journey.shares(), strict=True):
        starts = [entry for entry in journey.entry_points if entry in route.services] or list(journey.entry_points)
        for entry in starts:
            weights[entry] = weights.get(entry, 0.0) + share / len(starts)
    return weights


def _days_end(history: LatencyHistory, starts: datetime) -> int:
    return len(history.counts) - (starts - history.start_at) // _DAY


def _cut(history: LatencyHistory, starts: datetime, days: int) -> FloatArray:
    first = (starts - history.start_at) // _DAY
    return history.counts[first : first + max(0, days)]


def _mixed(parts: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """As many requests a day as all entry points had, divided by the routes' weights."""
    totals = {entry: counts.sum(axis=1, keepdims=True) for entry, counts in parts.items()}
    whole = np.sum(list(totals.values()), axis=0)
    shares = [
        weights[entry] * whole * counts / np.where(totals[entry] > 0.0, totals[entry], np.nan)
        for entry, counts in parts.items()
    ]
    return np.asarray(np.sum(shares, axis=0), np.float64)
