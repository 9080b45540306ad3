"""How an organisation behaves: the numbers behind its services, and the draw of each service's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import Shift, SimulatedTopology


@dataclass(frozen=True)
class Parameters:
    """Numbers of an organisation. A ``_spread`` is the standard deviation of a lognormal's logarithm.

    Incidents: own ones of a service, shared ones of its zone and of the platform, each hitting a share of the
    services. ``outage_share`` of the incidents fail every request, the others a lognormal share of them.
    ``slots_per_hour``: finest resolution of time (12 = 5 min).
    """

    slots_per_hour: int = 1

    daily_swing: float = 0.5
    weekend_factor: float = 0.7
    peak_hour: float = 14.0
    traffic_noise: float = 0.05

    base_failure_median: float = 2e-5
    base_failure_spread: float = 1.0
    base_noise: float = 0.5
    base_noise_memory: float = 0.8

    incident_every_days: float = 40.0
    incident_rate_spread: float = 0.9
    severity_median: float = 0.06
    service_severity_spread: float = 0.6
    incident_severity_spread: float = 1.0
    outage_share: float = 0.1
    length_median_hours: float = 0.8
    length_spread: float = 1.5

    zone_incident_every_days: float = 60.0
    zone_hit_share: float = 0.7
    platform_incident_every_days: float = 150.0
    platform_hit_share: float = 0.4
    shared_severity_median: float = 0.15

    latency_median_seconds: float = 0.02
    latency_service_spread: float = 0.6
    latency_request_spread: float = 0.5
    slow_share: float = 0.03
    utilisation: float = 0.5
    incident_slowdown: float = 6.0

    def __post_init__(self) -> None:
        if self.slots_per_hour < 1 or 60 % self.slots_per_hour:
            raise ValueError("slots_per_hour must divide 60")
        for name in ("daily_swing", "base_noise_memory", "outage_share", "utilisation", "slow_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be within [0, 1)")


@dataclass(frozen=True, slots=True)
class Profile:
    """One service's own numbers: the truth that an estimator looks for."""

    service_id: str
    zone: str
    base_failure_ratio: float
    incidents_per_day: float
    severity_median: float
    latency_median_seconds: float
    utilisation: float
    shifts: tuple[Shift, ...]


def draw_profiles(topology: SimulatedTopology, parameters: Parameters, seed: int) -> Mapping[str, Profile]:
    """Each service's numbers: as its topology states them, else drawn."""
    profiles = {}
    for service in topology.services:
        z = stream(seed, "profile", service.service_id).standard_normal(4).tolist()
        profiles[service.service_id] = Profile(
            service_id=service.service_id,
            zone=service.zone,
            base_failure_ratio=_stated(
                service.base_failure_ratio, parameters.base_failure_median, parameters.base_failure_spread, z[0]
            ),
            incidents_per_day=_stated(
                service.incidents_per_day,
                1 / parameters.incident_every_days,
                parameters.incident_rate_spread,
                z[1],
            ),
            severity_median=_stated(
                service.severity_median, parameters.severity_median, parameters.service_severity_spread, z[2]
            ),
            latency_median_seconds=_stated(
                service.latency_median_seconds,
                parameters.latency_median_seconds,
                parameters.latency_service_spread,
                z[3],
            ),
            utilisation=parameters.utilisation if service.utilisation is None else service.utilisation,
            shifts=tuple(sorted(service.shifts, key=lambda shift: shift.at_hour)),
        )
    return profiles


def _stated(value: float | None, median: float, spread: float, z: float) -> float:
    return float(median * np.exp(spread * z)) if value is None else value
