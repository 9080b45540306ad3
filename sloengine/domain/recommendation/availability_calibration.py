"""The recalibration map of availability, by length of the window that is promised.

What the model says of a week is a little too bold where the Aggressive tier stands, what it says of four weeks
too careful: see ``shipped_calibration``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sloengine.domain.recommendation import shipped_calibration as learnt
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.latency_calibration import ShippedMaps


@dataclass(frozen=True)
class AvailabilityCalibration:
    """Shipped maps, and what the organisation's own finished windows have taught.

    ``maps``: by length of history and of the window; None: promises are what the model says. ``own`` is learnt on
    windows of one length and goes with every shipped map, as for latency; its source names the length.
    """

    maps: ShippedMaps | None = None
    own: CalibrationMap | None = None

    @classmethod
    def shipped(cls) -> AvailabilityCalibration:
        """Of an organisation without finished windows.

        Simulated organisations are tamer than real ones: only where they show the model to be too bold is it
        believed.
        """
        rows = tuple(
            CalibrationMap(learnt.LEVELS, row, learnt.SOURCE).never_tighter().attained for row in learnt.ATTAINED
        )
        return cls(ShippedMaps(_ANY_HISTORY, learnt.WINDOW_DAYS, learnt.LEVELS, (rows,), learnt.SOURCE))

    @classmethod
    def always(cls, same: CalibrationMap) -> AvailabilityCalibration:
        """This map, whatever the lengths."""
        return cls(ShippedMaps(_ANY_HISTORY, (28.0,), same.model_levels, ((same.attained,),), same.source))

    def of(self, *, history_days: float, window_days: float) -> CalibrationMap:
        """The map in force for a service with so many days of own history and a window of so many."""
        return _in_force(self, history_days, window_days)

    def with_own(self, own: CalibrationMap | None) -> AvailabilityCalibration:
        """The same with this own map; None: the shipped ones hold."""
        return replace(self, own=own)


_ANY_HISTORY = (28.0,)
"""One row for every length of history."""


@lru_cache(maxsize=256)
def _in_force(calibration: AvailabilityCalibration, history_days: float, window_days: float) -> CalibrationMap:
    maps = calibration.maps
    found = CalibrationMap() if maps is None else maps.at(history_days, window_days)
    return found.with_own(calibration.own)
