"""When requests come."""

from __future__ import annotations

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.parameters import Parameters


def traffic_shape(parameters: Parameters, hours: FloatArray) -> FloatArray:
    """Arrivals at these times (hours since 1970), relative to their mean.

    A daily wave, quieter weekends; mean 1 over a week.
    """
    day = 1 + parameters.daily_swing * np.cos(2 * np.pi * (hours - parameters.peak_hour) / 24)
    weekday = (np.floor(hours / 24).astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    week = np.where(weekday < 5, 1.0, parameters.weekend_factor) * 7 / (5 + 2 * parameters.weekend_factor)
    return day * week
