"""Simple rules in the engine's place: what people do without it, with the engine's own caps and rounding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sloengine.domain.recommendation.model import TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.rounding import round_availability_down, tightest_availability

OWN_BOOTSTRAP = "OWN_BOOTSTRAP"
MEAN_30_DAYS = "MEAN_30_DAYS"
WORST_WINDOW = "WORST_WINDOW"
FIXED_99_5 = "FIXED_99_5"
FIXED_99_9 = "FIXED_99_9"

DESCRIPTIONS: Mapping[str, str] = {
    OWN_BOOTSTRAP: "quantile of windows resampled from the service's own days",
    MEAN_30_DAYS: "mean availability of the last 30 days",
    WORST_WINDOW: "availability of the worst window in the history",
    FIXED_99_5: "99.5 % for everybody",
    FIXED_99_9: "99.9 % for everybody",
}
RESAMPLED = 1_000
"""Windows that the bootstrap draws."""
MEAN_DAYS = 30
"""Days that the rule of the mean looks at."""


def baseline_targets(
    history: DailyHistory, settings: EngineSettings, *, window_days: int, rng: np.random.Generator
) -> dict[tuple[str, TierName], float]:
    """Targets of every rule and tier for the single service in ``history``; absent where a rule has none.

    Rules without tiers say the same in all three.
    """
    bad, valid = _known_days(history)
    traffic = float(history.expected_daily_traffic()[0]) * window_days
    found: dict[tuple[str, TierName], float] = {}
    if len(valid) == 0:
        return found
    resampled = _resampled(bad, valid, window_days, rng)
    for tier in TierName:
        own = float(np.quantile(resampled, settings.nominal_probability[tier], method="higher"))
        ratios = {
            OWN_BOOTSTRAP: _published(1 - own, traffic, settings),
            MEAN_30_DAYS: _published(1 - _ratio(bad[-MEAN_DAYS:], valid[-MEAN_DAYS:]), traffic, settings),
            WORST_WINDOW: _published(1 - worst_window(bad, valid, window_days), traffic, settings),
            FIXED_99_5: 0.995,
            FIXED_99_9: 0.999,
        }
        found.update({(name, tier): ratio for name, ratio in ratios.items() if ratio is not None})
    return found


def worst_window(bad: FloatArray, valid: FloatArray, window_days: int) -> float:
    """Largest unavailability of any past window of so many days; a shorter history counts as one window.

    ``bad``, ``valid``: events of each day, shape (n_days,), oldest first.
    """
    length = min(window_days, len(valid))
    failed, asked = (np.convolve(values, np.ones(length), "valid") for values in (bad, valid))
    return float((failed / np.maximum(asked, 1e-12)).max())


def _known_days(history: DailyHistory) -> tuple[FloatArray, FloatArray]:
    seen = history.valid[0] > 0
    return history.bad[0][seen], history.valid[0][seen]


def _ratio(bad: FloatArray, valid: FloatArray) -> float:
    return float(bad.sum() / valid.sum())


def _resampled(bad: FloatArray, valid: FloatArray, window_days: int, rng: np.random.Generator) -> FloatArray:
    days = rng.integers(0, len(valid), (RESAMPLED, window_days))
    return np.asarray(bad[days].sum(axis=1) / valid[days].sum(axis=1))


def _published(ratio: float, window_requests: float, settings: EngineSettings) -> float | None:
    limit = min(ratio, tightest_availability(window_requests, settings.testable_failures))
    rounded = round_availability_down(limit, window_requests)
    return rounded if rounded is not None and rounded >= settings.lowest_target_ratio else None
