"""The map in force: the shipped one, giving way to what the organisation's own finished windows have taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import groupings_of, share_met
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.calibration_fit import fit_beta
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.settings import EngineSettings

_JUDGED_AT = (0.8, 0.9)
"""Levels at which it is measured how much windows depend on each other."""


def calibrated(settings: EngineSettings, finished: Sequence[Level]) -> EngineSettings:
    """The settings with their maps giving way to these finished windows, per SLI type."""
    return replace(
        settings,
        availability_calibration=map_in_force(settings.availability_calibration, finished, SliType.AVAILABILITY),
        latency_calibration=map_in_force(settings.latency_calibration, finished, SliType.LATENCY),
    )


def map_in_force(shipped: CalibrationMap, finished: Sequence[Level], sli_type: SliType) -> CalibrationMap:
    """Shipped and own map, own weighing n / (n + 100) for n independent finished windows."""
    mine = [level for level in finished if level.sli_type is sli_type]
    windows = independent_windows(mine)
    if windows <= 0:
        return shipped
    low = np.array([level.low for level in mine])
    high = np.array([level.high for level in mine])
    own = fit_beta(low, high, windows, f"own windows (worth {windows:.0f} independent ones)")
    return shipped.with_own(own, windows)


def as_promised(levels: Sequence[Level], shipped: CalibrationMap, sli_type: SliType) -> list[Level]:
    """The levels as they were promised at the time: put through the map that windows finished by then had taught.

    With a target at level p of these, p is what was promised; so no window is judged by a map it has taught.
    """
    mine = [level for level in levels if level.sli_type is sli_type]
    promised: list[Level] = []
    for as_of in sorted({level.as_of for level in mine}):
        in_force = map_in_force(shipped, [level for level in mine if level.ends_at <= as_of], sli_type)
        promised += [
            replace(level, low=in_force.probability_of(level.low), high=in_force.probability_of(level.high))
            for level in mine
            if level.as_of == as_of
        ]
    return promised


def independent_windows(levels: Sequence[Level]) -> float:
    """Independent windows that these are worth, sharing incidents and overlapping as they do.

    0 where all lie in one service or one block of time: then nothing tells chance from truth.
    """
    if not levels:
        return 0.0
    groupings = groupings_of(levels)
    if any(len(np.unique(labels)) < 2 for labels in groupings):
        return 0.0
    means = [clustered_mean(share_met(levels, asked), groupings) for asked in _JUDGED_AT]
    return min(mean.effective for mean in means)
