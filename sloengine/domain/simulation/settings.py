"""How much goes wrong in a drawn organisation, in words."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

from sloengine.domain.simulation.parameters import Parameters


class Faults(StrEnum):
    """How often services fail by themselves. None: never, not even now and then."""

    NONE = "none"
    RARE = "rare"
    FREQUENT = "frequent"


class Shared(StrEnum):
    """Which incidents hit several services at once."""

    NONE = "none"
    ZONE = "zone"
    PLATFORM = "platform"
    ALL = "all"


_OWN: dict[Faults, dict[str, Any]] = {
    Faults.NONE: {"incident_every_days": math.inf, "base_failure_median": 0.0},
    Faults.RARE: {"incident_every_days": 50.0, "base_failure_median": 2e-5},
    Faults.FREQUENT: {"incident_every_days": 6.0, "base_failure_median": 3e-4},
}
_ZONE_EVERY_DAYS = {Faults.NONE: 60.0, Faults.RARE: 60.0, Faults.FREQUENT: 20.0}
_PLATFORM_EVERY_DAYS = {Faults.NONE: 150.0, Faults.RARE: 150.0, Faults.FREQUENT: 50.0}


def parameters_of(faults: Faults, shared: Shared, slots_per_hour: int = 1) -> Parameters:
    """The numbers behind the words.

    >>> parameters_of(Faults.NONE, Shared.NONE).incident_every_days
    inf
    """
    return Parameters(
        slots_per_hour=slots_per_hour,
        zone_incident_every_days=_ZONE_EVERY_DAYS[faults] if shared in (Shared.ZONE, Shared.ALL) else math.inf,
        platform_incident_every_days=(
            _PLATFORM_EVERY_DAYS[faults] if shared in (Shared.PLATFORM, Shared.ALL) else math.inf
        ),
        severity_median=0.05,
        length_median_hours=0.5,
        shared_severity_median=0.08,
        latency_median_seconds=0.006,
        **_OWN[faults],
    )
