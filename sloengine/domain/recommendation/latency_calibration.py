"""The recalibration maps of latency: of p95 and of p99 apart, by length of history and of the window, and by how
often and how long the service is believed to get slow.

A percentile that only long spells move (p95) and one that every spell moves (p99) are off in different ways; and
both by another amount where a fortnight is known than where a quarter is, or where a week is promised: the less
a predictive spreads, the more of its width is the noise margin that lies in it. Where slow spells are frequent,
quantiles lie among windows that have some, which the margin hardly moves; so there less of it may be taken out.
And what is believed of how often and how long, with little seen, lies between what is so and what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from sloengine.domain.recommendation import shipped_latency_calibration as learnt
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind


@dataclass(frozen=True)
class ShippedMaps:
    """Shares attained at ``levels`` of the model, by length of history and of the window, in days and ascending.

    ``attained``: for each history and window one row, as long as ``levels``, ascending within (0, 1). Between two
    lengths it is linear in their logarithms; beyond the ends the end holds.
    """

    history_days: tuple[float, ...]
    window_days: tuple[float, ...]
    levels: tuple[float, ...]
    attained: tuple[tuple[tuple[float, ...], ...], ...]
    source: str

    def at(self, history_days: float, window_days: float) -> CalibrationMap:
        """The map for one service and window."""
        return _map(self, *(round(float(max(days, 0.5)), 3) for days in (history_days, window_days)))


@lru_cache(maxsize=1024)
def _map(shipped: ShippedMaps, history_days: float, window_days: float) -> CalibrationMap:
    table = np.array(shipped.attained)
    by_window = _between(shipped.history_days, history_days) @ table.reshape(len(table), -1)
    attained = _between(shipped.window_days, window_days) @ by_window.reshape(table.shape[1:])
    return CalibrationMap(shipped.levels, tuple(attained.tolist()), shipped.source)


def _between(lengths: tuple[float, ...], days: float) -> np.ndarray:
    """Weight of each length: shares of the two that ``days`` lies between, by logarithm."""
    rows = np.eye(len(lengths))
    return np.array([np.interp(np.log(days), np.log(lengths), row) for row in rows])


@dataclass(frozen=True)
class MapsByRate:
    """Shipped maps of one percentile by how often a service gets slow: between two rates linear in the logarithm.

    ``spells_per_day``: mean of what is believed of the rate, own spells and peers' by credibility, in spells of
    usual length, where those of the organisation count by the square of theirs (``spell_lengths``); ascending,
    with one of ``maps`` each, all at the same levels and lengths. Beyond the ends the end holds.
    """

    spells_per_day: tuple[float, ...]
    maps: tuple[ShippedMaps, ...]

    def at(self, history_days: float, window_days: float, spells_per_day: float | None) -> CalibrationMap:
        """The map for one service and window. ``spells_per_day`` None: not on record, so the middle rate's."""
        if spells_per_day is None:
            return self.maps[len(self.maps) // 2].at(history_days, window_days)
        weights = _between(self.spells_per_day, max(spells_per_day, 1e-6))
        parts = [
            (weight, one.at(history_days, window_days))
            for weight, one in zip(weights.tolist(), self.maps, strict=True)
            if weight > 0
        ]
        attained = np.sum([weight * np.array(found.attained) for weight, found in parts], axis=0)
        return replace(parts[0][1], attained=tuple(attained.tolist()))


@dataclass(frozen=True)
class LatencyCalibration:
    """Shipped maps of both percentiles, and what the organisation's own finished windows have taught of each.

    Without any, promises are what the model says.
    """

    p95: MapsByRate | None = None
    p99: MapsByRate | None = None
    own_p95: CalibrationMap | None = None
    own_p99: CalibrationMap | None = None

    @classmethod
    def shipped(cls) -> LatencyCalibration:
        """Of an organisation without finished windows."""
        p95, p99 = (
            MapsByRate(
                learnt.SPELLS_PER_DAY,
                tuple(
                    ShippedMaps(learnt.HISTORY_DAYS, learnt.WINDOW_DAYS, learnt.LEVELS, attained, learnt.SOURCE)
                    for attained in by_rate
                ),
            )
            for by_rate in (learnt.P95_ATTAINED, learnt.P99_ATTAINED)
        )
        return cls(p95, p99)

    def of(
        self, kind: ObjectiveKind, *, history_days: float, window_days: float, spells_per_day: float | None
    ) -> CalibrationMap:
        """The map in force for a service with so many days of own history and a window of so many.

        ``spells_per_day``: see :class:`MapsByRate`.

        Raises: ValueError, if ``kind`` is no latency objective.
        """
        if kind is ObjectiveKind.AVAILABILITY:
            raise ValueError(f"{kind} is no latency objective")
        shipped, own = (self.p95, self.own_p95) if kind is ObjectiveKind.LATENCY_P95 else (self.p99, self.own_p99)
        found = CalibrationMap() if shipped is None else shipped.at(history_days, window_days, spells_per_day)
        return found.with_own(own)

    def with_own(self, own: Mapping[ObjectiveKind, CalibrationMap]) -> LatencyCalibration:
        """The same with these own maps, by kind; where there is none, the shipped one holds."""
        return replace(
            self, own_p95=own.get(ObjectiveKind.LATENCY_P95), own_p99=own.get(ObjectiveKind.LATENCY_P99)
        )
