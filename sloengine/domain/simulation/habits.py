"""What services and calls are like besides who calls whom: load, deployments, retries, timeouts, caches, flaws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sloengine.domain.simulation.moment import Conditions, moment, utilisations
from sloengine.domain.simulation.parameters import Parameters, draw_profiles
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import Shift, SimulatedCall, SimulatedService, SimulatedTopology

_COMING_HOURS = 28 * 24
_NEWBORN_HOURS = 9 * 24
_SHIFT_SHARE, _CACHE_SHARE, _RETRY_SHARE, _TIMEOUT_SHARE = 0.1, 0.2, 0.25, 0.3
_UTILISATION = (0.15, 0.4)
_WORSE = {"incident_factor": 5.0, "base_failure_factor": 10.0, "latency_factor": 1.5}
_BETTER = {"incident_factor": 0.2, "base_failure_factor": 0.5, "latency_factor": 0.8}
_TIMEOUTS_SECONDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_PATIENCE = 80.0  # typical latencies that a timeout leaves: met in faults and rush hours only
_FLAW_SHARE = 10  # one service in so many has each flaw


@dataclass(frozen=True, slots=True)
class Stretch:
    """The history that is going to be looked at: hours since 1970."""

    from_hour: int
    to_hour: int


def with_service_habits(
    services: Sequence[SimulatedService], seed: int, stretch: Stretch
) -> list[SimulatedService]:
    """Each with its utilisation; a tenth with a deployment after which failures and latency are different."""
    changed = []
    for service in services:
        rng = stream(seed, "habits", service.service_id)
        utilisation, lot, worse = rng.uniform(*_UTILISATION), rng.random(), rng.random() < 0.5
        at = int(rng.integers(stretch.from_hour, stretch.to_hour + _COMING_HOURS))
        shifts = (Shift(at, **(_WORSE if worse else _BETTER)),) if lot < _SHIFT_SHARE else ()
        changed.append(replace(service, utilisation=float(utilisation), shifts=shifts))
    return changed


def with_coming_deployments(
    services: Sequence[SimulatedService], seed: int, stretch: Stretch
) -> list[SimulatedService]:
    """The same up to the end of ``stretch``; what is deployed in the four weeks after, drawn once more.

    A service that has had no deployment gets one as often as it would have had one by then, given that.
    """
    whole = stretch.to_hour + _COMING_HOURS - stretch.from_hour
    coming = _SHIFT_SHARE * _COMING_HOURS / whole
    hazard = coming / (1 - _SHIFT_SHARE + coming)
    changed = []
    for service in services:
        past = tuple(shift for shift in service.shifts if shift.at_hour < stretch.to_hour)
        rng = stream(seed, "deployment", service.service_id)
        lot, worse = rng.random(), rng.random() < 0.5
        at = stretch.to_hour + int(rng.integers(_COMING_HOURS))
        new = (Shift(at, **(_WORSE if worse else _BETTER)),) if not past and lot < hazard else ()
        changed.append(replace(service, shifts=(*past, *new)))
    return changed


def with_flaws(services: Sequence[SimulatedService], seed: int, stretch: Stretch) -> list[SimulatedService]:
    """Each flaw of telemetry in a tenth of the monitored services, one flaw a service, as far as they go round."""
    flaws: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: {"missing_ratio": 0.05},
        lambda: {"has_histogram": False},
        lambda: {"restarts_per_day": 0.5},
        lambda: {"nan_ratio": 0.03},
        lambda: {"success_always_zero": True},
        lambda: {"born_at_hour": stretch.to_hour - _NEWBORN_HOURS},
    )
    monitored = [service.service_id for service in services if service.monitored]
    order = [monitored[place] for place in stream(seed, "flaws").permutation(len(monitored))]
    each = max(1, len(order) // _FLAW_SHARE)
    flaw_of = {
        service_id: flaw()
        for number, flaw in enumerate(flaws)
        for service_id in order[number * each : (number + 1) * each]
    }
    return [replace(service, **flaw_of.get(service.service_id, {})) for service in services]


def with_call_habits(
    services: Sequence[SimulatedService],
    calls: Sequence[SimulatedCall],
    parameters: Parameters,
    seed: int,
    *,
    timeouts: bool,
) -> list[SimulatedCall]:
    """Some with a cache, some with further attempts, some with a timeout that only faults and rushes meet."""
    changed = []
    for call in calls:
        rng = stream(seed, "habits", call.caller, call.dependency)
        lots, sticky = rng.random(3), float(rng.choice([0.0, 0.3, 0.8]))
        attempts, hits = int(rng.integers(2, 4)), float(rng.choice([0.5, 0.8, 0.95]))
        if call.group is None and call.waits:
            if lots[0] < _CACHE_SHARE:
                call = replace(call, cache_hit_ratio=hits)  # noqa: PLW2901
            if lots[1] < _RETRY_SHARE:
                call = replace(call, attempts=attempts, sticky_ratio=sticky)  # noqa: PLW2901
            if timeouts and lots[2] < _TIMEOUT_SHARE:
                call = replace(call, timeout_seconds=_TIMEOUTS_SECONDS[-1])  # noqa: PLW2901
        changed.append(call)
    typical = _usual_seconds(SimulatedTopology(tuple(services), tuple(changed)), parameters, seed)
    return [
        call if call.timeout_seconds is None else replace(call, timeout_seconds=_patient(typical[call.dependency]))
        for call in changed
    ]


def _patient(seconds: float) -> float:
    wanted = _PATIENCE * seconds
    return next((given for given in _TIMEOUTS_SECONDS if given >= wanted), _TIMEOUTS_SECONDS[-1])


def _usual_seconds(topology: SimulatedTopology, parameters: Parameters, seed: int) -> dict[str, float]:
    """Median latency of each service at mean traffic with nothing wrong."""
    profiles = draw_profiles(topology, parameters, seed)
    ordered = [profiles[service.service_id] for service in topology.services]
    nothing = np.zeros((len(ordered), 1))
    median = np.array([profile.latency_median_seconds for profile in ordered])[:, None]
    exists = np.ones((len(ordered), 1), dtype=np.bool_)
    given = Conditions(nothing, nothing, utilisations(ordered), median, exists)
    usual = moment(topology, parameters, profiles, given)
    return {
        service.service_id: float(seconds)
        for service, seconds in zip(topology.services, usual.typical_seconds[:, 0], strict=True)
    }
