"""Simple rules for latency in the engine's place, with the engine's own caps and bucket bounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sloengine.domain.accuracy.baselines import (
    MEAN_30_DAYS,
    MEAN_DAYS,
    OWN_BOOTSTRAP,
    RESAMPLED,
    WORST_WINDOW,
)
from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.latency_tiers import SHARES, bound_at_least
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import FloatArray

FIXED_LATENCY = "FIXED_LATENCY"

LATENCY_DESCRIPTIONS: Mapping[str, str] = {
    OWN_BOOTSTRAP: "quantile of windows resampled from the service's own days",
    MEAN_30_DAYS: "percentile of all requests of the last 30 days",
    WORST_WINDOW: "percentile of the worst window in the history",
    FIXED_LATENCY: "500 ms at p95 and 1 s at p99 for everybody",
}
_FIXED_MS = {ObjectiveKind.LATENCY_P95: 500.0, ObjectiveKind.LATENCY_P99: 1_000.0}


def latency_baseline_targets(
    counts: FloatArray,
    bounds_seconds: FloatArray,
    settings: EngineSettings,
    *,
    window_days: int,
    rng: np.random.Generator,
) -> dict[tuple[str, ObjectiveKind, TierName], float]:
    """Thresholds of every rule, percentile and tier in milliseconds; absent where a rule has none.

    ``counts``: requests per bucket of one service's days with requests, oldest first, shape (n_days, n_bounds).
    As the engine does, every rule rounds up to the histogram's next bound, and promises no percentile for which
    the window has too few requests. Rules without tiers say the same in all three.
    """
    found: dict[tuple[str, ObjectiveKind, TierName], float] = {}
    if len(counts) == 0:
        return found
    requests = float(counts.sum(axis=1).mean()) * window_days
    resampled = _resampled(counts, window_days, rng)
    for kind, share in SHARES.items():
        if (1.0 - share) * requests < settings.testable_failures:
            continue
        windows = percentile_seconds(resampled, bounds_seconds, share) * 1000.0
        last = percentile_seconds(counts[-MEAN_DAYS:].sum(axis=0)[None], bounds_seconds, share)[0] * 1000.0
        worst = worst_percentile_ms(counts, bounds_seconds, share, window_days)
        for tier in TierName:
            own = float(np.quantile(windows, settings.nominal_probability[tier], method="higher"))
            asked = {OWN_BOOTSTRAP: own, MEAN_30_DAYS: last, WORST_WINDOW: worst, FIXED_LATENCY: _FIXED_MS[kind]}
            for name, milliseconds in asked.items():
                threshold = bound_at_least(float(milliseconds), bounds_seconds)
                if threshold is not None:
                    found[name, kind, tier] = threshold
    return found


def worst_percentile_ms(counts: FloatArray, bounds_seconds: FloatArray, share: float, window_days: int) -> float:
    """Largest percentile of any past window of so many days, in milliseconds; a shorter history is one window."""
    length = min(window_days, len(counts))
    summed = np.cumsum(np.vstack([np.zeros(counts.shape[1]), counts]), axis=0)
    windows = summed[length:] - summed[:-length]
    return float(percentile_seconds(windows, bounds_seconds, share).max() * 1000.0)


def _resampled(counts: FloatArray, window_days: int, rng: np.random.Generator) -> FloatArray:
    """Windows of days drawn with replacement, shape (n, n_bounds): how often each day comes, times its counts."""
    n = len(counts)
    times = rng.multinomial(window_days, np.full(n, 1.0 / n), size=RESAMPLED)
    return np.asarray(times.astype(np.float64) @ counts)
