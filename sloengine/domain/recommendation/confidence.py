"""Confidence in a recommendation, 0 to 1.

Own evidence counts as windows seen over windows seen plus one; other services fill at most half of what is
left; gaps, warnings and assumptions take away. It is never above the calibrated P(met) of the Balanced target, so
that of recommendations at least this confident at least as many hold at Balanced; backtests check it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.recommendation.model import CompositeBound, DataQuality, Tier, TierName

MOST = 0.95
COLD_START_MOST = 0.5
SHIPPED_PRIOR_MOST = 0.3
"""With a short history and nothing but the shipped prior beside it."""
_PEERS_SHARE = 0.5
_PEERS_HALF = 10.0


def confidence(
    quality: DataQuality,
    *,
    peers: int,
    window_days: float,
    telemetry_warnings: int = 0,
    bound: CompositeBound | None = None,
    promised: float | None = None,
) -> float:
    """Confidence in [0, 0.95], from what the recommendation rests on.

    ``promised``: least P(met) among the Balanced targets; None: there is none.
    """
    windows = quality.days_of_history / window_days
    own = windows / (windows + 1.0)
    filled = own + (1.0 - own) * _PEERS_SHARE * peers / (peers + _PEERS_HALF)
    value: float = filled * quality.completeness**0.5 * 0.9 ** min(telemetry_warnings, 3)
    if bound is not None:
        value *= 0.95 ** min(len(bound.assumptions), 3) * 0.95 ** min(len(bound.contradictions), 2)
    if quality.cold_start:
        value = min(value, COLD_START_MOST if peers else SHIPPED_PRIOR_MOST)
    if promised is not None:
        value = min(value, promised)
    return round(float(min(MOST, value)), 3)


def least_balanced(tiers: Sequence[Tier]) -> float | None:
    """Least P(met) among the targets of the Balanced tier; None without any."""
    return min(
        (target.probability_met for tier in tiers if tier.name is TierName.BALANCED for target in tier.targets),
        default=None,
    )
