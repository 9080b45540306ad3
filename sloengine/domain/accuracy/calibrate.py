"""The map in force: the shipped one, giving way to what the organisation's own finished windows have taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np

from sloengine.domain.accuracy.independent import worth
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import groupings_of, share_met
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.calibration_fit import fit_beta
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings

_DAY = timedelta(days=1)
_JUDGED_AT = (0.8, 0.9)
"""Levels at which it is measured how much windows depend on each other."""


def calibrated(settings: EngineSettings, finished: Sequence[Level]) -> EngineSettings:
    """The settings with their maps giving way to these finished windows, per kind of objective."""
    found = {kind: own_map(finished, kind) for kind in ObjectiveKind}
    return settings.with_own_maps({kind: own for kind, own in found.items() if own is not None})


def own_map(finished: Sequence[Level], kind: ObjectiveKind) -> CalibrationMap | None:
    """What these finished windows teach, with how many independent ones they are worth; None: nothing."""
    mine = [level for level in finished if level.kind is kind]
    windows = independent_windows(mine)
    if windows <= 0:
        return None
    low = np.array([level.low for level in mine])
    high = np.array([level.high for level in mine])
    source = f"own windows of {_lengths(mine)} days (worth {windows:.0f} independent ones)"
    own = fit_beta(low, high, windows, source, margin_within=kind is not ObjectiveKind.AVAILABILITY)
    return replace(own, own_windows=windows)


def _lengths(levels: Sequence[Level]) -> str:
    """Of these windows, for the source of a map that is used for other lengths too."""
    return " and ".join(f"{days:.3g}" for days in sorted({(one.ends_at - one.as_of) / _DAY for one in levels}))


def as_promised(levels: Sequence[Level], settings: EngineSettings, kind: ObjectiveKind) -> list[Level]:
    """The levels as they were promised at the time: put through the map that windows finished by then had taught.

    With a target at level p of these, p is what was promised; so no window is judged by a map it has taught.
    ``settings``: with the shipped maps.
    """
    mine = [level for level in levels if level.kind is kind]
    promised: list[Level] = []
    for as_of in sorted({level.as_of for level in mine}):
        own = own_map([level for level in mine if level.ends_at <= as_of], kind)
        in_force = settings.with_own_maps({} if own is None else {kind: own})
        for level in mine:
            if level.as_of == as_of:
                window_days = (level.ends_at - level.as_of) / _DAY
                found = in_force.calibration_of(
                    kind,
                    history_days=level.history_days,
                    window_days=window_days,
                    spells_per_day=level.spells_per_day,
                )
                low, high = found.probability_of(level.low), found.probability_of(level.high)
                promised.append(replace(level, low=low, high=high))
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
    return min(worth(share_met(levels, asked), levels, asked, groupings) for asked in _JUDGED_AT)
