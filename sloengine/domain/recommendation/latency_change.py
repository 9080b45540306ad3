"""Why a latency target on record gave way to another one, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from sloengine.domain.recommendation.latency_days import LatencyDays
from sloengine.domain.recommendation.lifecycle import previous_target
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, Tier, TierName
from sloengine.domain.reliability.figures import count_text, figure_text

_DAY_SECONDS = 86_400.0
_SHORT = {ObjectiveKind.LATENCY_P95: "p95", ObjectiveKind.LATENCY_P99: "p99"}


def change_of_balanced_latency(
    previous: Recommendation | None, tiers: Sequence[Tier], days: LatencyDays, ends_at: datetime
) -> str | None:
    """What became of the Balanced thresholds on record; None: they stand, or there were none.

    ``days``: the service's, up to ``ends_at``. Names the slow spells that were there since the earlier answer was
    made, and says so where there were none: then other services' spells, the usual level or the passing of old
    spells moved them.
    """
    if previous is None:
        return None
    moved = []
    for kind, short in _SHORT.items():
        recorded = previous_target(previous, TierName.BALANCED, kind)
        before = None if recorded is None else recorded.threshold_ms
        now = _threshold(tiers, kind)
        if before is None or now == before:
            continue
        was = figure_text(before, 6)
        to = " ms to no target" if now is None else f" to {figure_text(now, 6)} ms"
        moved.append(f"{short} from {was}{to}")
    if not moved:
        return None
    since = spells_since(days, max(0.0, (ends_at - previous.provenance.to_at).total_seconds() / _DAY_SECONDS))
    day = f"{previous.provenance.to_at:%Y-%m-%d}"
    said = f"Balanced moved: {', '.join(moved)}"
    if since == 0:
        return f"{said}, with no slow spell of its own since {day}."
    return f"{said}, after {count_text(since, 'slow spell')} on or since {day}."


def spells_since(days: LatencyDays, age: float) -> int:
    """Slow spells that lasted into the last so many days before as-of, also where they began before.

    What was over by then was known to the answer made then, which saw whole days: that cannot have moved it.
    """
    bad = days.bad
    ends = bad & ~np.r_[bad[1:] & (np.diff(days.ages) > -1.5), False]
    return int((ends & (days.ages < age + 0.5)).sum())


def _threshold(tiers: Sequence[Tier], kind: ObjectiveKind) -> float | None:
    for tier in tiers:
        if tier.name is TierName.BALANCED:
            for target in tier.targets:
                if target.kind is kind:
                    return target.threshold_ms
    return None
